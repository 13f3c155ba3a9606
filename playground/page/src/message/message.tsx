// One message with everything that hangs on it.

import type { JSX } from "preact";
import { memo } from "preact/compat";
import { useState } from "preact/hooks";
import { Flag, hasFlag, isThread, nameOf, type Id, type Message as Data } from "../discord";
import { PersonMenu } from "../frame/person_menu";
import { Excerpt, Markup } from "../markdown/markup";
import { absolute } from "../markdown/time";
import { Avatar } from "../pieces/avatar";
import { usePlayground } from "../state/playground";
import { Attachments } from "./attachments";
import { Components } from "./components";
import { Embeds } from "./embeds";
import { MessageTools, type Open } from "./message_tools";
import { Reactions } from "./reactions";

interface Props {
  message: Data;
  /** Follows one by the same person: its head is left out. */
  follows: boolean;
  focusable: boolean;
  onFocus: (id: Id) => void;
}

export const Message = memo(({ message, follows, focusable, onFocus }: Props): JSX.Element => {
  const [open, setOpen] = useState<Open>(null);
  const ephemeral = hasFlag(message, Flag.Ephemeral);
  const openMenu = (event: MouseEvent) => {
    if ((event.target as Element).closest("a, .popup, dialog, input") || !getSelection()?.isCollapsed) return;
    event.preventDefault();
    const byKey = event.clientX === 0 && event.clientY === 0;
    const anchor = byKey ? (event.currentTarget as Element) : { x: event.clientX, y: event.clientY };
    setOpen({ what: "menu", anchor });
  };
  return (
    <li>
      <article
        class={`message ${follows ? "follows" : ""} ${ephemeral ? "ephemeral" : ""}`}
        data-id={message.id}
        tabIndex={focusable ? 0 : -1}
        aria-label={`${nameOf(message.author)}, ${shortTime(message)}`}
        onFocus={() => onFocus(message.id)}
        onContextMenu={openMenu}
      >
        <Origin message={message} />
        {follows ? <time class="margin">{shortTime(message)}</time> : <Avatar user={message.author} />}
        <div class="body">
          {!follows && <Head message={message} />}
          <Body message={message} />
          <Failures message={message} />
          {ephemeral && <OnlyYou message={message} />}
        </div>
        <MessageTools message={message} open={open} setOpen={setOpen} />
      </article>
    </li>
  );
});

export function shortTime(message: Data): string {
  return absolute(Date.parse(message.timestamp) / 1000, "t");
}

/** The line above: who used which command, or what is being answered. */
function Origin({ message }: { message: Data }): JSX.Element | null {
  const { state } = usePlayground();
  if (message.interaction_user && message.interaction_name) {
    return (
      <p class="origin">
        <Avatar user={message.interaction_user} size="small" />
        <b>{nameOf(message.interaction_user)}</b> used <span class="mention">/{message.interaction_name}</span>
      </p>
    );
  }
  if (message.type !== 19) return null;
  const original = state.messages[message.channel_id]?.find(
    (each) => each.id === message.message_reference?.message_id,
  );
  return (
    <p class="origin">
      {original ? (
        <>
          <b>{nameOf(original.author)}</b> <Excerpt text={original.content || "a message"} />
        </>
      ) : (
        "An earlier message"
      )}
    </p>
  );
}

function Head({ message }: { message: Data }): JSX.Element {
  const [menu, setMenu] = useState<Element | null>(null);
  return (
    <div class="head">
      <button
        type="button"
        class="author"
        aria-haspopup="menu"
        onClick={(event) => setMenu(menu ? null : event.currentTarget)}
      >
        {nameOf(message.author)}
      </button>
      {menu && <PersonMenu user={message.author} anchor={menu} onClose={() => setMenu(null)} />}
      {message.author.bot && <span class="badge">bot</span>}
      <time dateTime={message.timestamp} title={absolute(Date.parse(message.timestamp) / 1000, "F")}>
        {shortTime(message)}
      </time>
    </div>
  );
}

function Body({ message }: { message: Data }): JSX.Element {
  if (hasFlag(message, Flag.Loading)) {
    return (
      <p class="thinking" role="status">
        {nameOf(message.author)} is thinking
        <span class="dots" aria-hidden="true" />
      </p>
    );
  }
  const modern = hasFlag(message, Flag.ComponentsV2);
  return (
    <>
      {!modern && message.content && <Markup text={message.content} />}
      {message.edited_timestamp && !message.author.bot && <span class="edited">(edited)</span>}
      {!modern && <Attachments files={message.attachments ?? []} />}
      {!modern && <Embeds embeds={message.embeds ?? []} />}
      <div class={modern ? "layout" : "components"}>
        <Components components={message.components ?? []} message={message} />
      </div>
      <ThreadLink message={message} />
      <Reactions message={message} />
    </>
  );
}

/** Leads to the thread under a message, whose id is the message's own. */
function ThreadLink({ message }: { message: Data }): JSX.Element | null {
  const { state, deeds } = usePlayground();
  const thread = state.channels.find((each) => isThread(each) && each.id === message.id);
  if (!thread) return null;
  return (
    <button type="button" class="thread-link" onClick={() => deeds.open(thread.id)}>
      <b>{thread.name}</b> <span>Open thread ›</span>
    </button>
  );
}

function Failures({ message }: { message: Data }): JSX.Element {
  const { state } = usePlayground();
  const failed = Object.values(state.pending).filter((each) => each.message === message.id && each.failure);
  return (
    <>
      {failed.slice(-1).map((each) => (
        <p key="failure" class="failure" role="alert">
          {each.failure}
        </p>
      ))}
    </>
  );
}

function OnlyYou({ message }: { message: Data }): JSX.Element {
  const { deeds } = usePlayground();
  return (
    <p class="only-you">
      Only you can see this ·{" "}
      <button type="button" class="text-button" onClick={() => void deeds.remove(message)}>
        Dismiss
      </button>
    </p>
  );
}
