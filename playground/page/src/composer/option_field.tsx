// One option of a command: its name and the place to type, pick or attach its value.

import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { OptionType } from "../discord";
import { fileSize } from "../pieces/files";
import type { Field } from "./draft";
import { rowId } from "./suggestion_list";

interface Props {
  field: Field;
  list: string;
  marked: number;
  open: boolean;
  onChange: (change: Partial<Field>) => void;
  onFocus: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

export function OptionField(props: Props): JSX.Element {
  const { field } = props;
  const { name } = field.option;
  return (
    <div class={`option ${field.error ? "wrong" : ""}`} title={field.option.description}>
      <label for={`option-${name}`}>{name}</label>
      {field.option.type === OptionType.Attachment ? <FileInput {...props} /> : <TextInput {...props} />}
      {field.error && (
        <span class="mistake" id={`mistake-${name}`} role="alert">
          {field.error}
        </span>
      )}
    </div>
  );
}

function TextInput({ field, list, marked, open, onChange, onFocus, onKeyDown }: Props): JSX.Element {
  const { name, type } = field.option;
  const numeric = type === OptionType.Integer || type === OptionType.Number;
  return (
    <textarea
      id={`option-${name}`}
      data-option={name}
      rows={1}
      cols={Math.min(60, Math.max(4, field.text.length + 1))}
      class={field.picked === null ? "" : "picked"}
      value={field.text}
      inputMode={numeric ? "decimal" : "text"}
      autocomplete="off"
      spellcheck={false}
      aria-haspopup="listbox"
      aria-controls={list}
      aria-autocomplete="list"
      aria-required={field.option.required ?? false}
      aria-invalid={field.error !== null}
      aria-describedby={field.error ? `mistake-${name}` : undefined}
      aria-activedescendant={open && marked >= 0 ? rowId(list, marked) : undefined}
      onInput={(event) => onChange({ text: event.currentTarget.value.replace(/\n/g, " "), picked: null, error: null })}
      onFocus={onFocus}
      onKeyDown={onKeyDown}
    />
  );
}

function FileInput({ field, onChange, onFocus, onKeyDown }: Props): JSX.Element {
  const chooser = useRef<HTMLInputElement>(null);
  const { name } = field.option;
  return (
    <>
      <button
        type="button"
        id={`option-${name}`}
        data-option={name}
        class="choose-file"
        onClick={() => chooser.current?.click()}
        onFocus={onFocus}
        onKeyDown={(event) => event.key !== "Enter" && onKeyDown(event)}
      >
        {field.file ? `${field.file.name} (${fileSize(field.file.size)})` : "Choose a file…"}
      </button>
      <input
        ref={chooser}
        type="file"
        class="unseen"
        tabIndex={-1}
        aria-label={`File for ${name}`}
        onChange={(event) => onChange({ file: event.currentTarget.files?.[0] ?? null, error: null })}
      />
    </>
  );
}
