// A slash command being filled in: option by option, with the keyboard alone if one likes.

import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../pieces/icons";
import { Refusal } from "../state/api";
import { usePlayground } from "../state/playground";
import { emptyField, finish, isEmpty, remaining, type Draft, type Field } from "./draft";
import { fullName } from "./invocations";
import { OptionField } from "./option_field";
import { rangeOf } from "./option_words";
import { SuggestionList, rowId, type Row } from "./suggestion_list";
import { useSuggestions } from "./suggestions";

interface Props {
  draft: Draft;
  setDraft: (draft: Draft) => void;
  channel: string;
  onSent: () => void;
  onLeave: (text: string) => void;
}

const ADD = "+";
const LIST = "command-suggestions";

export function CommandForm({ draft, setDraft, channel, onSent, onLeave }: Props): JSX.Element {
  const { deeds } = usePlayground();
  const [focus, setFocus] = useState(
    () => draft.fields.find(isEmpty)?.option.name ?? draft.fields.at(-1)?.option.name ?? ADD,
  );
  const [adding, setAdding] = useState("");
  const [moved, setMoved] = useState<number | null>(null);
  const [closed, setClosed] = useState(false);
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const form = useRef<HTMLFormElement>(null);

  const field = draft.fields.find((each) => each.option.name === focus) ?? null;
  const offer = useSuggestions(draft, field);
  const addable = remaining(draft).filter((each) => each.name.startsWith(adding.trim().toLowerCase()));
  const rows: Row[] = field
    ? offer.suggestions.map((each) => ({ key: String(each.value), label: each.label, description: each.description }))
    : addable.map((each) => ({ key: each.name, label: each.name, description: each.description }));
  const atFirst = (field ? field.text !== "" || !field.option.autocomplete : adding !== "") ? 0 : -1;
  const marked = Math.min(moved ?? atFirst, rows.length - 1);
  const open = !closed && rows.length > 0;

  useLayoutEffect(() => {
    form.current?.querySelector<HTMLElement>(`[data-option="${CSS.escape(focus)}"]`)?.focus();
    setMoved(null);
    setClosed(false);
  }, [focus]);

  const goTo = (fields: Field[], from: number) => {
    const next = fields[from + 1];
    const left = draft.invocation.options.length > fields.length;
    if (next) setFocus(next.option.name);
    else if (left) setFocus(ADD);
    return next !== undefined || left;
  };
  const change = (name: string, changed: Partial<Field>) => {
    setMoved(null);
    setClosed(false);
    const fields = draft.fields.map((each) => (each.option.name === name ? { ...each, ...changed } : each));
    setDraft({ ...draft, fields });
  };
  const add = (index: number) => {
    const option = addable[index];
    if (!option) return;
    setDraft({ ...draft, fields: [...draft.fields, emptyField(option)] });
    setAdding("");
    setFocus(option.name);
  };
  const pick = (index: number) => {
    if (!field) return add(index);
    const suggestion = offer.suggestions[index];
    if (!suggestion) return;
    change(field.option.name, { text: suggestion.label, picked: suggestion.value, error: null });
    goTo(draft.fields, draft.fields.indexOf(field));
  };
  const send = async () => {
    if (sending) return;
    const finished = finish(draft);
    if ("draft" in finished) {
      setDraft(finished.draft);
      setFocus(finished.draft.fields.find((each) => each.error)?.option.name ?? focus);
      return;
    }
    setSending(true);
    setError(null);
    try {
      await deeds.command(channel, draft.invocation.command, draft.invocation.path, finished.values);
      onSent();
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      const wrong = draft.fields.find((each) => each.option.name === refusal.field);
      if (wrong) change(wrong.option.name, { error: refusal.message });
      else setError(refusal.message);
    } finally {
      setSending(false);
    }
  };
  const back = () => {
    const at = field ? draft.fields.indexOf(field) : draft.fields.length;
    if (field && !field.option.required) {
      setDraft({ ...draft, fields: draft.fields.filter((each) => each !== field) });
    } else if (at === 0) {
      return onLeave(fullName(draft.invocation));
    }
    setFocus(draft.fields[at - 1]?.option.name ?? ADD);
  };
  const keys = (event: KeyboardEvent) => {
    const taken = handle(event);
    if (!taken) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const handle = (event: KeyboardEvent): boolean => {
    const empty = field ? isEmpty(field) && field.text === "" : adding === "";
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp":
        if (!open) return false;
        setMoved((marked + (event.key === "ArrowDown" ? 1 : -1) + rows.length) % rows.length);
        return true;
      case "Enter":
        if (event.isComposing) return false;
        if (open && marked >= 0) pick(marked);
        else void send();
        return true;
      case "Tab":
        if (event.shiftKey) return false;
        if (open && marked >= 0) {
          pick(marked);
          return true;
        }
        return field ? goTo(draft.fields, draft.fields.indexOf(field)) : false;
      case "Escape":
        if (open) setClosed(true);
        else onLeave("");
        return true;
      case "Backspace":
        if (!empty) return false;
        back();
        return true;
      default:
        return false;
    }
  };
  const typeName = (text: string) => {
    setMoved(null);
    setClosed(false);
    setAdding(text);
    const named = text.endsWith(":") ? addable.findIndex((each) => `${each.name}:` === text.trim()) : -1;
    if (named >= 0) add(named);
  };

  const title = field ? (
    <>
      <b>{field.option.name}</b> {field.option.description}
      {rangeOf(field.option) && <small> ({rangeOf(field.option)})</small>}
    </>
  ) : (
    <b>{addable.length ? "More options" : "No option of that name"}</b>
  );
  return (
    <form
      class="command-form"
      ref={form}
      aria-label={`Command ${fullName(draft.invocation)}`}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {!closed && (
        <SuggestionList id={LIST} title={title} rows={rows} marked={marked} onPick={pick} remark={offer.remark} />
      )}
      <button type="button" class="command-name" title="Leave this command" onClick={() => onLeave("")}>
        {fullName(draft.invocation)}
      </button>
      {draft.fields.map((each) => (
        <OptionField
          key={each.option.name}
          field={each}
          list={LIST}
          marked={marked}
          open={open && each === field}
          onChange={(changed) => change(each.option.name, changed)}
          onFocus={() => setFocus(each.option.name)}
          onKeyDown={keys}
        />
      ))}
      {remaining(draft).length > 0 && (
        <input
          class="add-option"
          data-option={ADD}
          placeholder="+ option"
          aria-label="Add an option"
          role="combobox"
          aria-expanded={open && field === null}
          aria-controls={LIST}
          aria-activedescendant={open && !field && marked >= 0 ? rowId(LIST, marked) : undefined}
          autocomplete="off"
          value={adding}
          onInput={(event) => typeName(event.currentTarget.value)}
          onFocus={() => setFocus(ADD)}
          onKeyDown={keys}
        />
      )}
      <button type="submit" class="send" disabled={sending} aria-label="Send command">
        <Icon name="send" />
      </button>
      {error && (
        <p class="refusal" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}
