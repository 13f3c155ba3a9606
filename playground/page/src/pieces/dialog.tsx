// A window over the page that has to be answered or closed first.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
  label: string;
  class: string;
  onClose: () => void;
  /** Whether a press beside the window closes it; a form would lose what was typed. */
  closesBeside?: boolean;
  children: ComponentChildren;
}

export function Dialog({ label, class: name, onClose, closesBeside = false, children }: Props): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const cancelled = (event: Event) => {
    event.preventDefault();
    onClose();
  };
  const pressed = (event: MouseEvent) => {
    if (closesBeside && event.target === dialog.current) onClose();
  };
  return (
    <dialog ref={dialog} class={name} aria-label={label} onCancel={cancelled} onMouseDown={pressed}>
      {children}
    </dialog>
  );
}
