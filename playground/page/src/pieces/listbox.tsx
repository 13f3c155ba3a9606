// A list to choose one or several entries from, opened by a button: what Discord calls a select menu.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { emojiText, type Choice } from "../discord";
import { Icon } from "./icons";
import { Popup, walk } from "./popup";

interface Props {
  label: string;
  choices: Choice[];
  least: number;
  most: number;
  chosen: string[];
  disabled?: boolean;
  busy?: boolean;
  searchable?: boolean;
  /** Called once the person is done choosing. */
  onChosen: (values: string[]) => void;
}

export function Listbox(props: Props): JSX.Element {
  const { label, choices, chosen, most } = props;
  const [open, setOpen] = useState(false);
  const [draft, setDraft] = useState(chosen);
  const opener = useRef<HTMLButtonElement>(null);
  const names = choices.filter((each) => chosen.includes(each.value)).map((each) => each.label);
  const start = () => {
    setDraft(chosen);
    setOpen(!open);
  };
  const finish = (values: string[]) => {
    setOpen(false);
    if (values.length >= props.least && !same(values, chosen)) props.onChosen(values);
  };
  const toggle = (value: string) => {
    if (most === 1) return finish(draft.includes(value) && props.least === 0 ? [] : [value]);
    if (draft.includes(value)) return setDraft(draft.filter((each) => each !== value));
    if (draft.length < most) setDraft([...draft, value]);
  };
  return (
    <>
      <button
        ref={opener}
        type="button"
        class="select"
        aria-haspopup="listbox"
        aria-expanded={open}
        aria-label={names.length ? `${label}: ${names.join(", ")}` : label}
        aria-busy={props.busy ?? false}
        disabled={props.disabled ?? false}
        onClick={start}
      >
        <span class={names.length ? "" : "placeholder"}>{names.join(", ") || label}</span>
        <Icon name="down" />
      </button>
      {open && opener.current && (
        <Popup anchor={opener.current} onClose={() => (most === 1 ? setOpen(false) : finish(draft))} class="listbox">
          <Entries {...props} draft={draft} onToggle={toggle} onDone={() => finish(draft)} />
        </Popup>
      )}
    </>
  );
}

interface EntriesProps extends Props {
  draft: string[];
  onToggle: (value: string) => void;
  onDone: () => void;
}

function Entries({ label, choices, draft, least, most, searchable, onToggle, onDone }: EntriesProps): JSX.Element {
  const [typed, type] = useState("");
  const shown = choices.filter((each) => each.label.toLowerCase().includes(typed.trim().toLowerCase()));
  return (
    <div onKeyDown={(event) => walk(event, "[role=option]")}>
      {searchable && (
        <input
          type="search"
          placeholder="Find"
          aria-label={`Find in ${label}`}
          value={typed}
          onInput={(event) => type(event.currentTarget.value)}
        />
      )}
      <div role="listbox" aria-label={label} aria-multiselectable={most > 1}>
        {shown.map((choice) => (
          <Entry key={choice.value} choice={choice} chosen={draft.includes(choice.value)} onToggle={onToggle} />
        ))}
        {shown.length === 0 && <p class="empty">Nothing of that name.</p>}
      </div>
      {most > 1 && (
        <button type="button" class="button primary done" disabled={draft.length < least} onClick={onDone}>
          Done ({draft.length} of {least === most ? most : `${least} to ${most}`})
        </button>
      )}
    </div>
  );
}

interface EntryProps {
  choice: Choice;
  chosen: boolean;
  onToggle: (value: string) => void;
}

function Entry({ choice, chosen, onToggle }: EntryProps): JSX.Element {
  const emoji = emojiText(choice.emoji);
  return (
    <button type="button" role="option" aria-selected={chosen} class="entry" onClick={() => onToggle(choice.value)}>
      {emoji && <span class="emoji-text">{emoji}</span>}
      <span>
        {choice.label}
        {choice.description && <small>{choice.description}</small>}
      </span>
      {chosen && <Icon name="check" />}
    </button>
  );
}

function same(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}
