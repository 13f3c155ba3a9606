// A small surface beside what opened it: menus, pickers and lists. Escape or a press elsewhere closes it.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Where a popup belongs: beside an element, or at a point of the page. */
export type Anchor = Element | { x: number; y: number };

interface Props {
  anchor: Anchor;
  onClose: () => void;
  children: ComponentChildren;
  class?: string;
}

const GAP = 6;

export function Popup({ anchor, onClose, children, class: name = "" }: Props): JSX.Element {
  const surface = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (surface.current) place(surface.current, anchor);
  });
  useEffect(() => {
    const opener = document.activeElement;
    surface.current?.querySelector<HTMLElement>("[data-first], input, [role=menuitem], [role=option], button")?.focus();
    const pressed = (event: Event) => {
      const target = event.target as Node;
      if (surface.current?.contains(target) || (anchor instanceof Element && anchor.contains(target))) return;
      onClose();
    };
    document.addEventListener("pointerdown", pressed);
    return () => {
      document.removeEventListener("pointerdown", pressed);
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
    };
  }, []);
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      event.preventDefault();
      onClose();
    } else if (event.key === "Tab") {
      onClose();
    }
  };
  return (
    <div class={`popup ${name}`} ref={surface} onKeyDown={keys}>
      {children}
    </div>
  );
}

function place(surface: HTMLElement, anchor: Anchor): void {
  const box = anchor instanceof Element ? anchor.getBoundingClientRect() : new DOMRect(anchor.x, anchor.y, 0, 0);
  const { offsetWidth: width, offsetHeight: height } = surface;
  const below = box.bottom + GAP + height <= innerHeight;
  const top = below ? box.bottom + GAP : Math.max(GAP, box.top - GAP - height);
  const left = Math.max(GAP, Math.min(box.left, innerWidth - width - GAP));
  surface.style.top = `${top}px`;
  surface.style.left = `${left}px`;
}

/** Arrow keys walk over the items of a list, Home and End jump. */
export function walk(event: KeyboardEvent, items: string): void {
  const steps: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  const list = event.currentTarget as HTMLElement;
  const all = [...list.querySelectorAll<HTMLElement>(items)];
  const at = all.indexOf(document.activeElement as HTMLElement);
  let next = -1;
  if (event.key in steps) next = (at + (steps[event.key] ?? 0) + all.length) % all.length;
  else if (event.key === "Home") next = 0;
  else if (event.key === "End") next = all.length - 1;
  if (next < 0 || !all.length) return;
  event.preventDefault();
  all[next]?.focus();
}
