// Refusals and troubles, in words.

import type { JSX } from "preact";
import { usePlayground } from "../state/playground";

export function Notices(): JSX.Element {
  const { state, deeds } = usePlayground();
  return (
    <div class="notices" role="status" aria-live="polite">
      {state.notices.map((notice) => (
        <p key={notice.id} class="notice">
          <span>{notice.text}</span>
          <button type="button" class="text-button" onClick={() => deeds.dismiss(notice.id)}>
            Dismiss
          </button>
        </p>
      ))}
    </div>
  );
}
