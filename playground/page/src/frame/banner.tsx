// Says what this is, and what is the matter with the connection or the bot.

import type { JSX } from "preact";
import { Icon } from "../pieces/icons";
import { usePlayground } from "../state/playground";
import type { State } from "../state/state";
import { ThemeSwitch } from "./theme_switch";

export function Banner(): JSX.Element {
  const { state } = usePlayground();
  const trouble = troubleIn(state);
  return (
    <header class="banner">
      <p class="brand">
        <Icon name="easel" />
        <b>Playground</b>
        <span class="about">Not Discord: a make-believe chat on this computer, to try the bot in.</span>
      </p>
      {trouble && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      <ThemeSwitch />
    </header>
  );
}

function troubleIn(state: State): string | null {
  if (state.connection === "refused") return "Wrong key: open the newest address that the server printed.";
  if (state.connection === "lost") return "The playground's server does not answer. Trying again…";
  if (state.connection === "online" && !state.botOnline) return "The bot is offline. It may still be starting.";
  return null;
}
