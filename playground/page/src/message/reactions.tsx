// Who answered a message with which emoji; pressing one joins in or steps back.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { nameOf, type Message, type Reaction } from "../discord";
import { currentChannel, usePlayground } from "../state/playground";

export function Reactions({ message }: { message: Message }): JSX.Element | null {
  const reactions = message.reactions ?? [];
  if (!reactions.length) return null;
  return (
    <ul class="reactions" aria-label="Reactions">
      {reactions.map((reaction) => (
        <li key={reaction.emoji}>
          <Pill message={message} reaction={reaction} />
        </li>
      ))}
    </ul>
  );
}

function Pill({ message, reaction }: { message: Message; reaction: Reaction }): JSX.Element {
  const { state, deeds } = usePlayground();
  const [names, know] = useState("");
  const { emoji, count, me } = reaction;
  const askWho = async () => {
    const users = await deeds.api.reactors(message.channel_id, message.id, emoji).catch(() => []);
    know(users.map(nameOf).join(", "));
  };
  const label = `${emoji} ${count}${me ? ", you too" : ""}`;
  return (
    <button
      type="button"
      class={`reaction ${me ? "mine" : ""}`}
      aria-pressed={me}
      aria-label={label}
      title={names || label}
      disabled={!me && !currentChannel(state)?.may.react}
      onPointerEnter={() => void askWho()}
      onClick={() => void deeds.react(message, emoji, !me)}
    >
      <span class="emoji-text">{emoji}</span> <b>{count}</b>
    </button>
  );
}
