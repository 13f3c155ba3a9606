// What a select offers: its own options, or the people and channels of the server.

import { Kind, nameOf, type Choice, type Component } from "../discord";
import type { State } from "../state/state";

export function choicesOf(select: Component, state: State): Choice[] {
  switch (select.type) {
    case Kind.UserSelect:
      return everybody(state);
    case Kind.RoleSelect:
      return roles(state);
    case Kind.MentionableSelect:
      return [...everybody(state), ...roles(state)];
    case Kind.ChannelSelect:
      return channels(state, select.channel_types ?? []);
    default:
      return select.options ?? [];
  }
}

export function chosenAtFirst(select: Component): string[] {
  const options = (select.options ?? []).filter((each) => each.default).map((each) => each.value);
  return [...options, ...(select.default_values ?? []).map((each) => each.id)];
}

export function everybody(state: State): Choice[] {
  const users = [...state.people, ...(state.bot ? [state.bot] : [])];
  return users.map((user) => ({ label: nameOf(user), value: user.id, description: user.bot ? "bot" : null }));
}

/** The playground's server has one role, which everybody has; its id is the server's. */
export function roles(state: State): Choice[] {
  return state.server ? [{ label: "@everyone", value: state.server.id }] : [];
}

export function channels(state: State, types: number[]): Choice[] {
  const fitting = state.channels.filter((each) => (types.length ? types.includes(each.type) : each.type !== 1));
  return fitting.map((each) => ({ label: `#${each.name}`, value: each.id }));
}
