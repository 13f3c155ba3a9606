// One field of a modal with its label, description and mistake.

import type { ComponentChildren, JSX } from "preact";
import { Kind, emojiText, type Choice, type Component } from "../discord";
import { FileStrip } from "../pieces/file_strip";
import { Listbox } from "../pieces/listbox";
import { choicesOf } from "../pieces/select_choices";
import type { Value } from "../state/api";
import { usePlayground } from "../state/playground";

interface Props {
  field: Component;
  /** The Label component around it, if there is one. */
  label: Component | null;
  value: Value;
  mistake: string | undefined;
  onChange: (value: Value) => void;
}

export function ModalField(props: Props): JSX.Element {
  const { field, label, mistake } = props;
  const id = `field-${field.custom_id}`;
  const name = label?.label ?? field.label ?? "";
  const grouped = field.type === Kind.RadioGroup || field.type === Kind.CheckboxGroup;
  const inside = (
    <>
      {label?.description && <p class="description">{label.description}</p>}
      <Control {...props} id={id} name={name} />
      {mistake && (
        <p class="mistake" role="alert" id={`${id}-mistake`}>
          {mistake}
        </p>
      )}
    </>
  );
  const mark = field.type !== Kind.Checkbox && (field.required ?? true) ? <Star /> : null;
  if (grouped) {
    return (
      <fieldset class="field">
        <legend>
          {name} {mark}
        </legend>
        {inside}
      </fieldset>
    );
  }
  return (
    <div class="field">
      <label for={id}>
        {name} {mark}
      </label>
      {inside}
    </div>
  );
}

function Star(): JSX.Element {
  return (
    <span class="needed" title="Needed">
      *
    </span>
  );
}

interface ControlProps extends Props {
  id: string;
  name: string;
}

function Control(props: ControlProps): JSX.Element {
  const { field, value, onChange, name } = props;
  const { state } = usePlayground();
  switch (field.type) {
    case Kind.TextInput:
      return <TextInput {...props} />;
    case Kind.RadioGroup:
      return <Choices {...props} kind="radio" />;
    case Kind.CheckboxGroup:
      return <Choices {...props} kind="checkbox" />;
    case Kind.Checkbox:
      return (
        <input
          id={props.id}
          type="checkbox"
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case Kind.FileUpload:
      return <FileUpload {...props} />;
    case Kind.StringSelect:
    case Kind.UserSelect:
    case Kind.RoleSelect:
    case Kind.MentionableSelect:
    case Kind.ChannelSelect:
      return (
        <Listbox
          label={field.placeholder ?? name}
          choices={choicesOf(field, state)}
          least={(field.required ?? true) ? (field.min_values ?? 1) : 0}
          most={field.max_values ?? 1}
          chosen={value as string[]}
          searchable={field.type !== Kind.StringSelect}
          onChosen={onChange}
        />
      );
    default:
      return <p class="unknown">A field of type {field.type}, which the playground does not know.</p>;
  }
}

function TextInput({ field, value, mistake, onChange, id }: ControlProps): JSX.Element {
  const paragraph = field.style === 2;
  const shared = {
    id,
    value: String(value ?? ""),
    placeholder: field.placeholder ?? "",
    "aria-invalid": mistake !== undefined,
    "aria-describedby": mistake ? `${id}-mistake` : undefined,
    onInput: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) => onChange(event.currentTarget.value),
  };
  return paragraph ? <textarea rows={4} {...shared} /> : <input type="text" autocomplete="off" {...shared} />;
}

function Choices({ field, value, onChange, id, kind }: ControlProps & { kind: "radio" | "checkbox" }): JSX.Element {
  const chosen = Array.isArray(value) ? (value as string[]) : [value];
  const most = field.max_values ?? field.options?.length ?? 10;
  const toggle = (choice: Choice) => {
    if (kind === "radio") return onChange(choice.value);
    const list = chosen as string[];
    onChange(list.includes(choice.value) ? list.filter((each) => each !== choice.value) : [...list, choice.value]);
  };
  return (
    <>
      {(field.options ?? []).map((choice) => (
        <label key={choice.value} class="choice">
          <input
            type={kind}
            name={id}
            checked={chosen.includes(choice.value)}
            disabled={kind === "checkbox" && chosen.length >= most && !chosen.includes(choice.value)}
            onChange={() => toggle(choice)}
          />
          <ChoiceText choice={choice} />
        </label>
      ))}
    </>
  );
}

function ChoiceText({ choice }: { choice: Choice }): ComponentChildren {
  return (
    <span>
      {emojiText(choice.emoji)} {choice.label}
      {choice.description && <small>{choice.description}</small>}
    </span>
  );
}

function FileUpload({ field, value, onChange, id }: ControlProps): JSX.Element {
  const { state } = usePlayground();
  const files = value as unknown as File[];
  const most = field.max_values ?? 1;
  const add = (added: FileList | null) => onChange([...files, ...(added ?? [])].slice(-most) as File[]);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    add(event.dataTransfer?.files ?? null);
  };
  return (
    <div class="upload" onDrop={drop} onDragOver={(event) => event.preventDefault()}>
      <FileStrip files={files} limit={state.uploadLimit} onChange={onChange} />
      <input
        id={id}
        type="file"
        multiple={most > 1}
        onChange={(event) => {
          add(event.currentTarget.files);
          event.currentTarget.value = "";
        }}
      />
      <small>{most > 1 ? `Up to ${most} files` : "One file"}, or drop it here</small>
    </div>
  );
}
