// What one can do with a message: react, the bot's own commands, copy, delete.

import type { JSX } from "preact";
import { CommandType, Flag, hasFlag, type Message } from "../discord";
import { EmojiPicker } from "../pieces/emoji_picker";
import { Icon } from "../pieces/icons";
import { Menu, type Entry } from "../pieces/menu";
import type { Anchor } from "../pieces/popup";
import { currentChannel, usePlayground } from "../state/playground";

export type Open = { what: "menu" | "emoji"; anchor: Anchor } | null;

interface Props {
  message: Message;
  open: Open;
  setOpen: (open: Open) => void;
}

export function MessageTools({ message, open, setOpen }: Props): JSX.Element {
  const { state, deeds } = usePlayground();
  const canReact = currentChannel(state)?.may.react && !hasFlag(message, Flag.Ephemeral);
  const show = (what: "menu" | "emoji") => (event: MouseEvent) => {
    setOpen(open ? null : { what, anchor: event.currentTarget as Element });
  };
  return (
    <div class={`tools ${open ? "open" : ""}`} role="group" aria-label="What to do with this message">
      {canReact && (
        <button type="button" aria-label="Add a reaction" title="Add a reaction" onClick={show("emoji")}>
          <Icon name="smile" />
        </button>
      )}
      <button type="button" aria-label="More" title="More" aria-haspopup="menu" onClick={show("menu")}>
        <Icon name="more" />
      </button>
      {open?.what === "emoji" && (
        <EmojiPicker
          anchor={open.anchor}
          onPick={(emoji) => void deeds.react(message, emoji, true)}
          onClose={() => setOpen(null)}
        />
      )}
      {open?.what === "menu" && <MessageMenu message={message} anchor={open.anchor} setOpen={setOpen} />}
    </div>
  );
}

function MessageMenu({
  message,
  anchor,
  setOpen,
}: {
  message: Message;
  anchor: Anchor;
  setOpen: (open: Open) => void;
}) {
  const { state, deeds } = usePlayground();
  const channel = currentChannel(state);
  const ephemeral = hasFlag(message, Flag.Ephemeral);
  const commands = state.commands.filter(
    (each) => each.type === CommandType.Message && each.channels.includes(message.channel_id),
  );
  const react = {
    text: "Add a reaction",
    disabled: !channel?.may.react || ephemeral,
    run: () => setOpen({ what: "emoji", anchor }),
  };
  const copy: Entry[] = [
    { text: "Copy text", run: () => void deeds.copy(message.content) },
    { text: "Copy message id", run: () => void deeds.copy(message.id) },
  ];
  const remove = {
    text: ephemeral ? "Dismiss" : "Delete message",
    danger: true,
    run: () => void deeds.remove(message),
  };
  const apps = ephemeral
    ? []
    : commands.map((each) => ({
        text: each.name,
        run: () => void deeds.context(message.channel_id, each, message.id),
      }));
  return (
    <Menu
      label="Message"
      anchor={anchor}
      onClose={() => setOpen(null)}
      groups={[
        { entries: [react] },
        { title: "Apps", entries: apps },
        { entries: copy },
        { entries: message.deletable ? [remove] : [] },
      ]}
    />
  );
}
