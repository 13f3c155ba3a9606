// The channel's messages, oldest first. It stays at the newest one unless the reader has scrolled up.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isDirect, isThread, nameOf, signOf, type Channel, type Id, type Message as Data } from "../discord";
import { currentChannel, usePlayground } from "../state/playground";
import { LostCommands } from "./lost_commands";
import { Message } from "./message";

const TOGETHER_MS = 7 * 60 * 1000;
const NEAR = 80;

export function MessageList(): JSX.Element {
  const { state, deeds } = usePlayground();
  const channel = currentChannel(state);
  const messages = (channel && state.messages[channel.id]) ?? [];
  const more = channel !== undefined && state.loaded[channel.id] === "more";
  const [focused, setFocused] = useState<Id | null>(null);
  const { scroller, list, atEnd, toEnd } = useStickToEnd(channel?.id);
  const last = messages.at(-1)?.id;
  const reachable = messages.some((each) => each.id === focused) ? focused : last;

  return (
    <div class="messages" ref={scroller}>
      <div ref={list}>
        {channel && !more && <Beginning channel={channel} />}
        {more && (
          <button
            type="button"
            class="button secondary earlier"
            onClick={() => channel && void deeds.history(channel.id, messages[0]?.id)}
          >
            Show earlier messages
          </button>
        )}
        <div role="log" aria-label={`Messages in ${channel?.name ?? "the channel"}`}>
          <ol onKeyDown={walkMessages}>
            {messages.map((message, i) => (
              <Message
                key={message.id}
                message={message}
                follows={follows(messages[i - 1], message)}
                focusable={message.id === reachable}
                onFocus={setFocused}
              />
            ))}
          </ol>
        </div>
        {channel && <LostCommands channel={channel.id} />}
      </div>
      {!atEnd && (
        <button type="button" class="to-end" onClick={toEnd}>
          To the newest ↓
        </button>
      )}
    </div>
  );
}

function Beginning({ channel }: { channel: Channel }): JSX.Element {
  const { state } = usePlayground();
  const direct = isDirect(channel);
  return (
    <header class="beginning">
      <h2>{direct ? `You and ${channel.name}` : `${signOf(channel)} ${channel.name}`}</h2>
      <p>
        {direct
          ? `Direct messages between ${state.me ? nameOf(state.me) : "you"} and the bot.`
          : `This is where the ${isThread(channel) ? "thread" : "channel"} begins.`}
      </p>
      {channel.may.use_commands && state.commands.length > 0 && (
        <p>
          Type <kbd>/</kbd> below to see what the bot can do.
        </p>
      )}
    </header>
  );
}

/** Whether a message needs no head of its own. */
function follows(previous: Data | undefined, message: Data): boolean {
  if (!previous || message.interaction_name || message.type === 19) return false;
  if (((previous.flags ?? 0) & 64) !== ((message.flags ?? 0) & 64)) return false;
  const apart = Date.parse(message.timestamp) - Date.parse(previous.timestamp);
  return previous.author.id === message.author.id && apart < TOGETHER_MS;
}

function walkMessages(event: KeyboardEvent): void {
  const target = event.target as Element;
  if (!target.matches(".message") || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const all = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>(".message")];
  const next = all[all.indexOf(target as HTMLElement) + (event.key === "ArrowUp" ? -1 : 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** Keeps the newest message in view while the reader is there, also when pictures arrive and grow. */
function useStickToEnd(channel: Id | undefined) {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const [atEnd, setAtEnd] = useState(true);
  const toEnd = () => {
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  };
  useLayoutEffect(() => {
    stuck.current = true;
    toEnd();
  }, [channel]);
  useEffect(() => {
    const box = scroller.current;
    if (!box || !list.current) return;
    const grown = new ResizeObserver(() => stuck.current && toEnd());
    grown.observe(list.current);
    grown.observe(box);
    let before = box.scrollTop;
    const scrolled = () => {
      // what arrives below moves the end away too: only scrolling up means that one wants to stay there
      if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) stuck.current = true;
      else if (box.scrollTop < before) stuck.current = false;
      before = box.scrollTop;
      setAtEnd(stuck.current);
    };
    box.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      grown.disconnect();
      box.removeEventListener("scroll", scrolled);
    };
  }, []);
  return { scroller, list, atEnd, toEnd };
}
