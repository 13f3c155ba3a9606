// A slash command being filled in, as data; and what of it can be sent.

import { OptionType, type CommandOption } from "../discord";
import type { Values } from "../state/playground";
import type { Invocation } from "./invocations";

export interface Field {
  option: CommandOption;
  text: string;
  /** What was picked from a list; typing on takes it back. */
  picked: string | number | boolean | null;
  file: File | null;
  error: string | null;
}

export interface Draft {
  invocation: Invocation;
  fields: Field[];
}

export interface Suggestion {
  label: string;
  value: string | number | boolean;
  description?: string | null | undefined;
}

/** Begins a command: its required options are there to be filled, the others can be added. */
export function begin(invocation: Invocation, rest = ""): Draft {
  const { options } = invocation;
  const draft = { invocation, fields: options.filter((each) => each.required).map(emptyField) };
  return fillFrom(draft, rest.trim());
}

/** Reads "a cat steps:20 seed:7": what comes before the first name belongs to the first option. */
function fillFrom(draft: Draft, typed: string): Draft {
  if (!typed) return draft;
  const { options } = draft.invocation;
  const names = [...typed.matchAll(/(?:^|\s)([-_\p{L}\p{N}]{1,32}):/gu)].filter((match) =>
    options.some((each) => each.name === match[1]),
  );
  const values = new Map<string, string>();
  names.forEach((match, i) => {
    const value = typed.slice(match.index + match[0].length, names[i + 1]?.index);
    values.set(match[1] ?? "", value.trim());
  });
  const before = typed.slice(0, names[0]?.index).trim();
  const first = draft.fields[0]?.option ?? options[0];
  if (before && first) values.set(first.name, before);
  const named = options.filter((each) => each.required || values.has(each.name));
  return { ...draft, fields: named.map((each) => ({ ...emptyField(each), text: values.get(each.name) ?? "" })) };
}

export function emptyField(option: CommandOption): Field {
  return { option, text: "", picked: null, file: null, error: null };
}

export function remaining(draft: Draft): CommandOption[] {
  const used = new Set(draft.fields.map((each) => each.option.name));
  return draft.invocation.options.filter((each) => !used.has(each.name));
}

export function isEmpty(field: Field): boolean {
  return field.file === null && field.picked === null && field.text.trim() === "";
}

/** The values of a draft that can be sent as it is, or the draft with its mistakes marked. */
export function finish(draft: Draft): { values: Values } | { draft: Draft } {
  const values: Values = {};
  const fields = draft.fields.map((field) => {
    if (isEmpty(field)) return field.option.required ? { ...field, error: "Needed" } : field;
    const value = valueOf(field);
    if (value instanceof Mistake) return { ...field, error: value.text };
    values[field.option.name] = value;
    return field;
  });
  return fields.some((each) => each.error) ? { draft: { ...draft, fields } } : { values };
}

/** What to send while one option is being typed: the others so far, wrong ones left out. */
export function unfinished(draft: Draft, focused: Field): Values {
  const values: Values = {};
  for (const field of draft.fields) {
    const value = isEmpty(field) || field.file ? new Mistake("left out") : valueOf(field);
    if (!(value instanceof Mistake)) values[field.option.name] = value;
  }
  return { ...values, [focused.option.name]: focused.text };
}

class Mistake {
  constructor(readonly text: string) {}
}

type OneValue = string | number | boolean | File;

function valueOf(field: Field): OneValue | Mistake {
  const { option } = field;
  if (option.type === OptionType.Attachment) return field.file ?? new Mistake("Choose a file");
  if (field.picked !== null) return field.picked;
  const text = field.text.trim();
  if (option.choices?.length) {
    const choice = option.choices.find((each) => each.name.toLowerCase() === text.toLowerCase());
    return choice ? choice.value : new Mistake("Choose one from the list");
  }
  switch (option.type) {
    case OptionType.String:
      return lengthChecked(text, option);
    case OptionType.Integer:
      return /^-?\d{1,16}$/.test(text) ? rangeChecked(Number(text), option) : new Mistake("A whole number");
    case OptionType.Number:
      return Number.isFinite(Number(text)) ? rangeChecked(Number(text), option) : new Mistake("A number");
    case OptionType.Boolean:
      return booleanOf(text);
    default:
      return new Mistake("Choose one from the list");
  }
}

function booleanOf(text: string): boolean | Mistake {
  const word = text.toLowerCase();
  return word === "true" || word === "false" ? word === "true" : new Mistake("True or False");
}

function lengthChecked(text: string, { min_length: least, max_length: most }: CommandOption): string | Mistake {
  if (least !== undefined && text.length < least) return new Mistake(`At least ${least} characters`);
  if (most !== undefined && text.length > most)
    return new Mistake(`At most ${most} characters; this has ${text.length}`);
  return text;
}

function rangeChecked(number: number, { min_value: least, max_value: most }: CommandOption): number | Mistake {
  const below = least !== undefined && number < least;
  const above = most !== undefined && number > most;
  if (!below && !above) return number;
  if (least !== undefined && most !== undefined) return new Mistake(`From ${least} to ${most}`);
  return new Mistake(below ? `At least ${least}` : `At most ${most}`);
}
