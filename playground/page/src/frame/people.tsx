// Who I am right now. Being somebody else shows what the bot lets them do.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { nameOf, type Person, type User } from "../discord";
import { Avatar } from "../pieces/avatar";
import { walk, type Anchor } from "../pieces/popup";
import { usePlayground } from "../state/playground";
import { PersonMenu } from "./person_menu";

export function People({ onChosen }: { onChosen: () => void }): JSX.Element {
  const { state, deeds } = usePlayground();
  const [menu, setMenu] = useState<{ user: User; anchor: Anchor } | null>(null);
  const become = (person: Person) => {
    deeds.become(person.key);
    onChosen();
  };
  return (
    <section class="people" aria-label="People">
      <h2>You are</h2>
      <div role="radiogroup" aria-label="Who you are" onKeyDown={(event) => walk(event, "[role=radio]")}>
        {state.people.map((person) => (
          <button
            key={person.id}
            type="button"
            role="radio"
            class="person"
            aria-checked={person.key === state.person}
            aria-label={nameOf(person)}
            aria-describedby={`about-${person.key}`}
            onClick={() => become(person)}
            onContextMenu={(event) => {
              event.preventDefault();
              setMenu({ user: person, anchor: event.currentTarget });
            }}
          >
            <Avatar user={person} size="small" />
            <span>
              <b>{nameOf(person)}</b>
              <small id={`about-${person.key}`}>{person.about}</small>
            </span>
          </button>
        ))}
      </div>
      {state.bot && (
        <p class="bot-state">
          <Avatar user={state.bot} size="small" />
          <b>{nameOf(state.bot)}</b>{" "}
          <span class={state.botOnline ? "online" : "offline"}>{state.botOnline ? "online" : "offline"}</span>
        </p>
      )}
      {menu && <PersonMenu {...menu} onClose={() => setMenu(null)} />}
    </section>
  );
}
