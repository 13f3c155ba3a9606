// What a modal's fields hold at first, and what is still wrong with them.

import { Kind, type Component } from "../discord";
import { fileSize } from "../pieces/files";
import { chosenAtFirst } from "../pieces/select_choices";
import type { Value } from "../state/api";
import type { Values } from "../state/playground";

export type Mistakes = Record<string, string>;

/** The fields of a modal, whatever they are wrapped in. */
export function fieldsOf(components: Component[]): Component[] {
  return components
    .flatMap((each) => (each.component ? [each.component] : (each.components ?? [])))
    .filter((each) => each.custom_id !== undefined);
}

export function firstValues(components: Component[]): Values {
  return Object.fromEntries(fieldsOf(components).map((field) => [field.custom_id ?? "", firstValue(field)]));
}

function firstValue(field: Component): Value {
  switch (field.type) {
    case Kind.TextInput:
      return field.value ?? "";
    case Kind.RadioGroup:
      return chosenAtFirst(field)[0] ?? null;
    case Kind.Checkbox:
      return field.default ?? false;
    case Kind.FileUpload:
      return [] as File[];
    default:
      return chosenAtFirst(field);
  }
}

export function mistakesIn(components: Component[], values: Values, uploadLimit: number): Mistakes {
  const mistakes: Mistakes = {};
  for (const field of fieldsOf(components)) {
    const id = field.custom_id ?? "";
    const mistake = mistakeIn(field, values[id] ?? null, uploadLimit);
    if (mistake) mistakes[id] = mistake;
  }
  return mistakes;
}

function mistakeIn(field: Component, value: Value, uploadLimit: number): string | null {
  const required = field.required ?? true;
  if (field.type === Kind.Checkbox) return null;
  if (field.type === Kind.RadioGroup) return required && value === null ? "Choose one" : null;
  if (typeof value === "string") return textMistake(field, value, required);
  if (!Array.isArray(value)) return null;
  const large = value.find((each) => (each as unknown) instanceof File && (each as unknown as File).size > uploadLimit);
  if (large && uploadLimit) return `Too large: at most ${fileSize(uploadLimit)} per file`;
  return countMistake(field, value.length, required);
}

function textMistake(field: Component, text: string, required: boolean): string | null {
  if (!text) return required ? "Needed" : null;
  const least = field.min_length ?? 0;
  const most = field.max_length ?? 4000;
  if (text.length < least) return `At least ${least} characters`;
  return text.length > most ? `At most ${most} characters; this has ${text.length}` : null;
}

function countMistake(field: Component, count: number, required: boolean): string | null {
  if (!required && count === 0) return null;
  const least = Math.max(field.min_values ?? 1, required ? 1 : 0);
  const most = field.max_values ?? (field.type === Kind.CheckboxGroup ? (field.options?.length ?? 10) : 1);
  if (count < least) return least === 1 ? "Needed" : `At least ${least}`;
  return count > most ? `At most ${most}` : null;
}
