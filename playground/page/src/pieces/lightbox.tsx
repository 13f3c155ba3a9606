// One picture as large as the window allows; arrow keys show its neighbours.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "./dialog";
import { Icon } from "./icons";

export interface Picture {
  url: string;
  name: string;
  description?: string | undefined;
}

interface Props {
  pictures: Picture[];
  start: number;
  onClose: () => void;
}

export function Lightbox({ pictures, start, onClose }: Props): JSX.Element | null {
  const [at, show] = useState(start);
  const picture = pictures[at];
  if (!picture) return null;
  const step = (by: number) => show((at + by + pictures.length) % pictures.length);
  const keys = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  };
  return (
    <Dialog label={picture.description ?? picture.name} class="lightbox" onClose={onClose} closesBeside>
      <figure onKeyDown={keys}>
        <img src={picture.url} alt={picture.description ?? picture.name} />
        <figcaption>
          {pictures.length > 1 && (
            <button type="button" onClick={() => step(-1)} aria-label="Previous picture">
              <Icon name="left" />
            </button>
          )}
          <span>
            {picture.name}
            {pictures.length > 1 && ` (${at + 1} of ${pictures.length})`}
          </span>
          {pictures.length > 1 && (
            <button type="button" onClick={() => step(1)} aria-label="Next picture">
              <Icon name="right" />
            </button>
          )}
          <a href={picture.url} target="_blank" rel="noopener">
            Open original
          </a>
          <button type="button" onClick={onClose}>
            Close
          </button>
        </figcaption>
      </figure>
    </Dialog>
  );
}
