// The channels one can open, and the people one can be.

import type { JSX } from "preact";
import { isDirect, isThread, signOf, type Channel } from "../discord";
import { usePlayground } from "../state/playground";
import { People } from "./people";

export function SidePanel({ onChosen }: { onChosen: () => void }): JSX.Element {
  const { state } = usePlayground();
  const rooms = withThreads(state.channels.filter((each) => !isDirect(each)));
  const direct = state.channels.filter(isDirect);
  return (
    <nav class="side-panel" aria-label="Channels and people">
      <div class="channels">
        <h2>{state.server?.name ?? "…"}</h2>
        <Channels label="Channels" channels={rooms} onChosen={onChosen} />
        {direct.length > 0 && <h2>Direct messages</h2>}
        <Channels label="Direct messages" channels={direct} onChosen={onChosen} />
      </div>
      <People onChosen={onChosen} />
    </nav>
  );
}

/** Puts each thread under its channel, the newest first. */
function withThreads(channels: Channel[]): Channel[] {
  return channels
    .filter((each) => !isThread(each))
    .flatMap((room) => [room, ...channels.filter((each) => each.parent_id === room.id).reverse()]);
}

interface ChannelsProps {
  label: string;
  channels: Channel[];
  onChosen: () => void;
}

function Channels({ label, channels, onChosen }: ChannelsProps): JSX.Element {
  const { state, deeds } = usePlayground();
  return (
    <ul aria-label={label}>
      {channels.map((channel) => {
        const unread = state.unread.has(channel.id);
        return (
          <li key={channel.id}>
            <button
              type="button"
              class={`channel ${unread ? "unread" : ""} ${isThread(channel) ? "thread" : ""}`}
              aria-current={channel.id === state.channel ? "page" : undefined}
              onClick={() => {
                deeds.open(channel.id);
                onChosen();
              }}
            >
              <span class="sign" aria-hidden="true">
                {signOf(channel)}
              </span>
              <span class="name">{channel.name}</span>
              {channel.nsfw && <span class="badge">18+</span>}
              {unread && <span class="dot" role="img" aria-label="unread" />}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
