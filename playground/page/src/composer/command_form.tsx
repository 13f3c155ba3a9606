// A slash command being filled in: option by option, with the keyboard alone if one likes.

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../pieces/icons";
import { remaining } from "./draft";
import { fullName } from "./invocations";
import { OptionField } from "./option_field";
import { rangeOf } from "./option_words";
import { SuggestionList, rowId } from "./suggestion_list";
import { ADD, useCommandForm, type CommandFormState, type FormProps } from "./use_command_form";

const LIST = "command-suggestions";

export function CommandForm(props: FormProps): JSX.Element {
  const { draft, onLeave } = props;
  const form = useCommandForm(props);
  const element = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    element.current?.querySelector<HTMLElement>(`[data-option="${CSS.escape(form.focus)}"]`)?.focus();
  }, [form.focus]);
  const { field, rows, marked, offer, open } = form;
  const addable = remaining(draft).length > 0;
  const worthShowing = rows.length > 0 || offer.remark !== null || field !== null;
  return (
    <form
      class="command-form"
      ref={element}
      aria-label={`Command ${fullName(draft.invocation)}`}
      onSubmit={(event) => {
        event.preventDefault();
        void form.send();
      }}
    >
      {!form.closed && worthShowing && (
        <SuggestionList
          id={LIST}
          title={<Title form={form} />}
          rows={rows}
          marked={marked}
          onPick={form.pick}
          remark={field ? offer.remark : null}
        />
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
          onChange={(changed) => form.change(each.option.name, changed)}
          onFocus={() => form.setFocus(each.option.name)}
          onKeyDown={form.onKeyDown}
        />
      ))}
      {addable && <AddOption form={form} />}
      <button
        type="submit"
        class="send"
        data-option={addable ? undefined : ADD}
        aria-label="Send command"
        aria-busy={form.sending}
        onKeyDown={(event) => event.key !== "Tab" && form.onKeyDown(event)}
      >
        <Icon name="send" />
      </button>
      {form.error && (
        <p class="refusal" role="alert">
          {form.error}
        </p>
      )}
    </form>
  );
}

function AddOption({ form }: { form: CommandFormState }): JSX.Element {
  const open = form.open && form.field === null;
  return (
    <input
      class="add-option"
      data-option={ADD}
      placeholder="+ option"
      aria-label="Add an option"
      role="combobox"
      aria-expanded={open}
      aria-controls={LIST}
      aria-autocomplete="list"
      aria-activedescendant={open && form.marked >= 0 ? rowId(LIST, form.marked) : undefined}
      autocomplete="off"
      value={form.adding}
      onInput={(event) => form.typeName(event.currentTarget.value)}
      onFocus={() => form.setFocus(ADD)}
      onKeyDown={form.onKeyDown}
    />
  );
}

function Title({ form: { field, addable } }: { form: CommandFormState }): JSX.Element {
  if (!field) return <b>{addable.length ? "More options" : "No option of that name"}</b>;
  const range = rangeOf(field.option);
  return (
    <>
      <b>{field.option.name}</b> {field.option.description}
      {range && <small> ({range})</small>}
    </>
  );
}
