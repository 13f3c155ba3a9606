// What one can do with a person: the bot's own commands for people.

import type { JSX } from "preact";
import { CommandType, nameOf, type User } from "../discord";
import { Menu } from "../pieces/menu";
import type { Anchor } from "../pieces/popup";
import { usePlayground } from "../state/playground";

interface Props {
  user: User;
  anchor: Anchor;
  onClose: () => void;
}

export function PersonMenu({ user, anchor, onClose }: Props): JSX.Element {
  const { state, deeds } = usePlayground();
  const channel = state.channel ?? "";
  const commands = state.commands.filter((each) => each.type === CommandType.User && each.channels.includes(channel));
  const apps = commands.map((each) => ({ text: each.name, run: () => void deeds.context(channel, each, user.id) }));
  const copy = [{ text: "Copy id", run: () => void deeds.copy(user.id) }];
  return (
    <Menu
      label={nameOf(user)}
      anchor={anchor}
      onClose={onClose}
      groups={[{ title: "Apps", entries: apps }, { entries: copy }]}
    />
  );
}
