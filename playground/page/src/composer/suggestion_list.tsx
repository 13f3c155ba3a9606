// The list above the composer: commands, options or values, one of them marked.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

export interface Row {
  key: string;
  label: string;
  description?: string | null | undefined;
}

interface Props {
  id: string;
  title: ComponentChildren;
  rows: Row[];
  marked: number;
  onPick: (index: number) => void;
  remark?: string | null | undefined;
}

export function rowId(list: string, index: number): string {
  return `${list}-${index}`;
}

export function SuggestionList({ id, title, rows, marked, onPick, remark }: Props): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [marked]);
  return (
    <div class="suggestions" onMouseDown={(event) => event.preventDefault()}>
      <div class="suggestions-title">{title}</div>
      {remark && (
        <p class="remark" role="status">
          {remark}
        </p>
      )}
      <div role="listbox" id={id} aria-label="Suggestions" ref={list}>
        {rows.map((row, i) => (
          <div
            key={row.key}
            id={rowId(id, i)}
            role="option"
            aria-selected={i === marked}
            class="suggestion"
            onClick={() => onPick(i)}
          >
            <span>{row.label}</span>
            {row.description && <small>{row.description}</small>}
          </div>
        ))}
      </div>
    </div>
  );
}
