// Asked once per visit before a channel for adults is shown.

import type { JSX } from "preact";
import type { Channel, Id } from "../discord";

const entered = new Set<Id>();

export function mayEnter(channel: Id): boolean {
  return entered.has(channel);
}

export function AgeGate({ channel, onEnter }: { channel: Channel; onEnter: () => void }): JSX.Element {
  const enter = () => {
    entered.add(channel.id);
    onEnter();
  };
  return (
    <div class="age-gate">
      <h2>#{channel.name} is age-restricted</h2>
      <p>Commands marked for adults work only here, so that you can see how the bot treats such a channel.</p>
      <button type="button" class="button primary" onClick={enter}>
        Show it
      </button>
    </div>
  );
}
