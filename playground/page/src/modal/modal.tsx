// The window a bot opens to ask for more: labels, texts, choices and files.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Kind, type Component, type Modal as Data } from "../discord";
import { Markup } from "../markdown/markup";
import { Icon } from "../pieces/icons";
import { Dialog } from "../pieces/dialog";
import { Refusal } from "../state/api";
import { usePlayground, type Values } from "../state/playground";
import { ModalField } from "./modal_field";
import { firstValues, mistakesIn, type Mistakes } from "./modal_values";

export function ModalHost(): JSX.Element | null {
  const { state } = usePlayground();
  return state.modal ? <Modal key={state.modal.interaction_id} modal={state.modal} /> : null;
}

function Modal({ modal }: { modal: Data }): JSX.Element {
  const { state, deeds } = usePlayground();
  const [values, setValues] = useState<Values>(() => firstValues(modal.components));
  const [mistakes, setMistakes] = useState<Mistakes>({});
  const [error, setError] = useState<string | null>(null);
  const [sending, setSending] = useState(false);

  const submit = async () => {
    const found = mistakesIn(modal.components, values, state.uploadLimit);
    setMistakes(found);
    if (Object.keys(found).length || sending) return;
    setSending(true);
    setError(null);
    try {
      await deeds.submit(modal, values, state.channel ?? "");
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.field) setMistakes({ [refusal.field]: refusal.message });
      else setError(refusal.message);
    } finally {
      setSending(false);
    }
  };
  const item = (component: Component, label: Component | null, key: number) => (
    <ModalField
      key={key}
      field={component}
      label={label}
      value={values[component.custom_id ?? ""] ?? null}
      mistake={mistakes[component.custom_id ?? ""]}
      onChange={(value) => setValues((before) => ({ ...before, [component.custom_id ?? ""]: value }))}
    />
  );
  return (
    <Dialog label={modal.title} class="modal" onClose={() => deeds.closeModal()}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
        noValidate
      >
        <header>
          <h2>{modal.title}</h2>
          <button type="button" class="close" aria-label="Close" onClick={() => deeds.closeModal()}>
            <Icon name="close" />
          </button>
        </header>
        <div class="fields">
          {modal.components.map((each, i) => {
            if (each.type === Kind.TextDisplay) return <Markup key={i} text={each.content ?? ""} />;
            if (each.type === Kind.Label && each.component) return item(each.component, each, i);
            return (each.components ?? []).map((inner, j) => item(inner, null, i * 10 + j));
          })}
        </div>
        {error && (
          <p class="refusal" role="alert">
            {error}
          </p>
        )}
        <footer>
          <button type="button" class="button secondary" onClick={() => deeds.closeModal()}>
            Cancel
          </button>
          <button type="submit" class="button primary" aria-busy={sending}>
            Submit
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
