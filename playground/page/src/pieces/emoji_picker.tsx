// A few emoji to react with, found by name or pasted.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { EMOJI } from "./emoji";
import { Popup, walk, type Anchor } from "./popup";

interface Props {
  anchor: Anchor;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

export function EmojiPicker({ anchor, onPick, onClose }: Props): JSX.Element {
  const [typed, type] = useState("");
  const word = typed.trim().toLowerCase();
  const found = EMOJI.filter(([emoji, name]) => emoji === word || name.includes(word));
  const own = /^\p{Extended_Pictographic}/u.test(word) && !found.length ? [[word, "this emoji"] as const] : [];
  const pick = (emoji: string) => {
    onClose();
    onPick(emoji);
  };
  const all = [...found, ...own];
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Enter" && event.target instanceof HTMLInputElement && all[0]) pick(all[0][0]);
    else if (event.key !== "ArrowLeft" || !(event.target instanceof HTMLInputElement)) walk(event, ".emoji");
  };
  return (
    <Popup anchor={anchor} onClose={onClose} class="picker">
      <div role="dialog" aria-label="Pick an emoji" onKeyDown={keys}>
        <input
          type="search"
          placeholder="Find an emoji, or paste one"
          aria-label="Find an emoji"
          value={typed}
          onInput={(event) => type(event.currentTarget.value)}
        />
        <div class="emojis">
          {all.map(([emoji, name]) => (
            <button key={emoji} type="button" class="emoji" title={name} aria-label={name} onClick={() => pick(emoji)}>
              {emoji}
            </button>
          ))}
        </div>
        {all.length === 0 && <p class="empty">No emoji of that name.</p>}
      </div>
    </Popup>
  );
}
