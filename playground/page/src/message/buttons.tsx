// A button of a message: asks the bot, or opens a link.

import type { JSX } from "preact";
import { emojiText, type Component, type Message } from "../discord";
import { usePlayground } from "../state/playground";

const STYLES: Record<number, string> = {
  1: "primary",
  2: "secondary",
  3: "success",
  4: "danger",
  5: "link",
  6: "premium",
};
const LINK = 5;

export function Button({ button, message }: { button: Component; message: Message }): JSX.Element {
  const { state, deeds } = usePlayground();
  const style = STYLES[button.style ?? 2] ?? "secondary";
  const emoji = emojiText(button.emoji);
  const inside = (
    <>
      {emoji && (
        <span class="emoji-text" aria-hidden={Boolean(button.label)}>
          {emoji}
        </span>
      )}
      {button.label && <span>{button.label}</span>}
    </>
  );
  if (button.style === LINK) {
    return (
      <a class="button link" href={button.url ?? "#"} target="_blank" rel="noopener noreferrer">
        {inside} <span aria-hidden="true">↗</span>
      </a>
    );
  }
  const busy = Object.values(state.pending).some(
    (each) => each.message === message.id && each.customId === button.custom_id && !each.failure,
  );
  const press = () => {
    if (!busy) void deeds.component(message, button.custom_id ?? "", button.label ?? emoji);
  };
  return (
    <button
      type="button"
      class={`button ${style}`}
      disabled={button.disabled ?? false}
      aria-busy={busy}
      onClick={press}
    >
      {inside}
    </button>
  );
}
