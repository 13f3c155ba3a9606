// A menu of things to do with one message or one person.

import type { JSX } from "preact";
import { Popup, walk, type Anchor } from "./popup";

export interface Entry {
  text: string;
  hint?: string;
  danger?: boolean;
  disabled?: boolean;
  run: () => void;
}

interface Props {
  label: string;
  anchor: Anchor;
  /** Groups are separated by lines; a group without entries is left out. */
  groups: { title?: string; entries: Entry[] }[];
  onClose: () => void;
}

export function Menu({ label, anchor, groups, onClose }: Props): JSX.Element {
  const run = (entry: Entry) => {
    onClose();
    entry.run();
  };
  return (
    <Popup anchor={anchor} onClose={onClose} class="menu">
      <div role="menu" aria-label={label} onKeyDown={(event) => walk(event, "[role=menuitem]:not(:disabled)")}>
        {groups
          .filter((group) => group.entries.length)
          .map((group, i) => (
            <div key={i} role="group" aria-label={group.title ?? label}>
              {group.title && <p class="group-title">{group.title}</p>}
              {group.entries.map((entry) => (
                <button
                  key={entry.text}
                  type="button"
                  role="menuitem"
                  class={entry.danger ? "danger" : ""}
                  disabled={entry.disabled ?? false}
                  onClick={() => run(entry)}
                >
                  {entry.text}
                  {entry.hint && <small>{entry.hint}</small>}
                </button>
              ))}
            </div>
          ))}
      </div>
    </Popup>
  );
}
