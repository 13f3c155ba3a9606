// Light or dark: as the system says, until the person says otherwise.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../pieces/icons";

type Theme = "light" | "dark";

function systemTheme(): Theme {
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

/** Applies what was chosen on an earlier visit. */
export function applyStoredTheme(): void {
  const stored = localStorage.getItem("theme");
  if (stored) document.documentElement.dataset.theme = stored;
}

export function ThemeSwitch(): JSX.Element {
  const [theme, setTheme] = useState<Theme>((document.documentElement.dataset.theme as Theme) ?? systemTheme());
  const other = theme === "dark" ? "light" : "dark";
  const change = () => {
    document.documentElement.dataset.theme = other;
    if (other === systemTheme()) localStorage.removeItem("theme");
    else localStorage.setItem("theme", other);
    setTheme(other);
  };
  return (
    <button type="button" class="theme" onClick={change} aria-label={`Change to the ${other} colours`}>
      <Icon name={theme === "dark" ? "sun" : "moon"} />
    </button>
  );
}
