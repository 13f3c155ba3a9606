// Commands that got no answer: nobody else sees these lines.

import type { JSX } from "preact";
import type { Id } from "../discord";
import { usePlayground } from "../state/playground";

export function LostCommands({ channel }: { channel: Id }): JSX.Element {
  const { state, deeds } = usePlayground();
  const lost = Object.entries(state.pending).filter(
    ([, each]) => each.channel === channel && each.failure && !each.message,
  );
  return (
    <>
      {lost.map(([id, each]) => (
        <p key={id} class="lost" role="alert">
          <span>
            {each.what && <b>{each.what}: </b>}
            {each.failure}
          </span>{" "}
          <button type="button" class="text-button" onClick={() => deeds.forget(id)}>
            Dismiss
          </button>
        </p>
      ))}
    </>
  );
}
