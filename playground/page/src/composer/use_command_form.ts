// How a slash command is filled in: which option is being typed, what is marked, and what each key does.

import { useState } from "preact/hooks";
import type { CommandOption } from "../discord";
import { Refusal } from "../state/api";
import { usePlayground } from "../state/playground";
import { emptyField, finish, isEmpty, remaining, type Draft, type Field } from "./draft";
import { fullName } from "./invocations";
import type { Row } from "./suggestion_list";
import { useSuggestions, type Offer } from "./suggestions";

export interface FormProps {
  draft: Draft;
  setDraft: (draft: Draft) => void;
  channel: string;
  onSent: () => void;
  /** The command is given up; a text may stay behind. */
  onLeave: (text: string) => void;
}

/** Stands for the place where further options are added. */
export const ADD = "+";

export interface CommandFormState {
  field: Field | null;
  focus: string;
  setFocus: (name: string) => void;
  adding: string;
  addable: CommandOption[];
  typeName: (text: string) => void;
  offer: Offer;
  rows: Row[];
  marked: number;
  open: boolean;
  closed: boolean;
  sending: boolean;
  error: string | null;
  change: (name: string, changed: Partial<Field>) => void;
  pick: (index: number) => void;
  send: () => Promise<void>;
  onKeyDown: (event: KeyboardEvent) => void;
}

export function useCommandForm({ draft, setDraft, channel, onSent, onLeave }: FormProps): CommandFormState {
  const [focus, setFocusName] = useState(() => firstToFill(draft));
  const [adding, setAdding] = useState("");
  const list = useMarked();
  const field = draft.fields.find((each) => each.option.name === focus) ?? null;
  const offer = useSuggestions(draft, field);
  const addable = remaining(draft).filter((each) => each.name.startsWith(adding.trim().toLowerCase()));
  const rows = field ? offer.suggestions.map(suggestionRow) : addable.map(optionRow);
  // nothing typed, or no answer to it yet: then nothing is marked, so that Enter and Tab take nothing unasked
  const marksFirst = field ? offer.fresh && (field.text !== "" || !field.option.autocomplete) : adding !== "";
  const marked = Math.min(list.moved ?? (marksFirst ? 0 : -1), rows.length - 1);
  const open = !list.closed && rows.length > 0;

  const setFocus = (name: string) => {
    if (name !== focus) list.reset();
    setFocusName(name);
  };
  const change = (name: string, changed: Partial<Field>) => {
    list.reset();
    const fields = draft.fields.map((each) => (each.option.name === name ? { ...each, ...changed } : each));
    setDraft({ ...draft, fields });
  };
  const add = (option: CommandOption | undefined) => {
    if (!option) return;
    setDraft({ ...draft, fields: [...draft.fields, emptyField(option)] });
    setAdding("");
    setFocus(option.name);
  };
  const pick = (index: number) => {
    const suggestion = offer.suggestions[index];
    if (!field) return add(addable[index]);
    if (!suggestion) return;
    change(field.option.name, { text: suggestion.label, picked: suggestion.value, error: null });
    goOn();
  };
  const goOn = () => {
    const next = field && draft.fields[draft.fields.indexOf(field) + 1];
    if (next) setFocus(next.option.name);
    else if (field && remaining(draft).length) setFocus(ADD);
    else return false;
    return true;
  };
  const goBack = () => {
    const at = field ? draft.fields.indexOf(field) : draft.fields.length;
    if (at === 0 && (!field || field.option.required)) return onLeave(fullName(draft.invocation));
    if (field && !field.option.required) {
      setDraft({ ...draft, fields: draft.fields.filter((each) => each !== field) });
    }
    setFocus(draft.fields[at - 1]?.option.name ?? ADD);
  };
  const typeName = (text: string) => {
    list.reset();
    setAdding(text);
    if (text.endsWith(":")) add(remaining(draft).find((each) => `${each.name}:` === text.trim()));
  };
  const { send, sending, error } = useSending({ draft, setDraft, channel, onSent, onLeave }, setFocus, change);

  const keys: Record<string, (event: KeyboardEvent) => boolean> = {
    ArrowDown: () => open && list.move((marked + 1) % rows.length),
    ArrowUp: () => open && list.move((marked - 1 + rows.length) % rows.length),
    Enter: (event) => {
      if (event.isComposing) return false;
      if (open && marked >= 0) pick(marked);
      else void send();
      return true;
    },
    Tab: (event) => {
      if (event.shiftKey) return false;
      if (!open || marked < 0) return goOn();
      pick(marked);
      return true;
    },
    Escape: () => {
      if (open) list.close();
      else onLeave("");
      return true;
    },
    Backspace: () => {
      if (field ? !isEmpty(field) || field.text !== "" : adding !== "") return false;
      goBack();
      return true;
    },
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!keys[event.key]?.(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  return {
    ...{ field, focus, setFocus, adding, addable, typeName, offer, rows, marked, open },
    ...{ closed: list.closed, sending, error, change, pick, send, onKeyDown },
  };
}

/** Which row the arrow keys have moved to, if they have, and whether Escape has closed the list. */
function useMarked() {
  const [moved, setMoved] = useState<number | null>(null);
  const [closed, setClosed] = useState(false);
  const reset = () => {
    setMoved(null);
    setClosed(false);
  };
  const move = (to: number) => {
    setMoved(to);
    return true;
  };
  return { moved, closed, reset, move, close: () => setClosed(true) };
}

function useSending(
  { draft, setDraft, channel, onSent }: FormProps,
  setFocus: (name: string) => void,
  change: (name: string, changed: Partial<Field>) => void,
) {
  const { deeds } = usePlayground();
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const send = async () => {
    if (sending) return;
    const finished = finish(draft);
    if ("draft" in finished) {
      setDraft(finished.draft);
      setFocus(finished.draft.fields.find((each) => each.error)?.option.name ?? ADD);
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
  return { send, sending, error };
}

function firstToFill(draft: Draft): string {
  const empty = draft.fields.find(isEmpty) ?? draft.fields.at(-1);
  return empty?.option.name ?? ADD;
}

function suggestionRow(suggestion: { label: string; value: unknown; description?: string | null | undefined }): Row {
  return { key: String(suggestion.value), label: suggestion.label, description: suggestion.description };
}

function optionRow(option: CommandOption): Row {
  return { key: option.name, label: option.name, description: option.description };
}
