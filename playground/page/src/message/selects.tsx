// A select menu of a message: choosing asks the bot.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Kind, type Component, type Message } from "../discord";
import { Listbox } from "../pieces/listbox";
import { choicesOf, chosenAtFirst } from "../pieces/select_choices";
import { usePlayground } from "../state/playground";

export function MessageSelect({ select, message }: { select: Component; message: Message }): JSX.Element {
  const { state, deeds } = usePlayground();
  const [chosen, choose] = useState(chosenAtFirst(select));
  const label = select.placeholder ?? "Make a selection";
  const busy = Object.values(state.pending).some(
    (each) => each.message === message.id && each.customId === select.custom_id && !each.failure,
  );
  const done = (values: string[]) => {
    choose(values);
    void deeds.component(message, select.custom_id ?? "", label, values);
  };
  return (
    <Listbox
      label={label}
      choices={choicesOf(select, state)}
      least={select.min_values ?? 1}
      most={select.max_values ?? 1}
      chosen={chosen}
      disabled={select.disabled ?? false}
      busy={busy}
      searchable={select.type !== Kind.StringSelect}
      onChosen={done}
    />
  );
}
