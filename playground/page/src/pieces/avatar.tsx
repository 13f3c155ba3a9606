// A round picture of a person: their initial on a colour of their own.

import type { JSX } from "preact";
import { nameOf, type User } from "../discord";
import { Icon } from "./icons";

const COLOURS = 6;

export function Avatar({ user, size = "" }: { user: User; size?: "small" | "" }): JSX.Element {
  const colour = user.bot ? "bot" : [...user.username].reduce((sum, each) => sum + each.charCodeAt(0), 0) % COLOURS;
  return (
    <span class={`avatar colour-${colour} ${size}`} aria-hidden="true">
      {user.bot ? <Icon name="easel" /> : nameOf(user).slice(0, 1).toUpperCase()}
    </span>
  );
}
