// Pictures in a grid; pressing one shows it large.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Lightbox, type Picture } from "../pieces/lightbox";

export interface Shown extends Picture {
  width?: number | null | undefined;
  height?: number | null | undefined;
  spoiler?: boolean | undefined;
}

export function Gallery({ pictures }: { pictures: Shown[] }): JSX.Element | null {
  const [open, show] = useState<number | null>(null);
  const [revealed, reveal] = useState<ReadonlySet<string>>(new Set());
  if (!pictures.length) return null;
  const press = (picture: Shown, at: number) => {
    if (picture.spoiler && !revealed.has(picture.url)) reveal(new Set([...revealed, picture.url]));
    else show(at);
  };
  return (
    <>
      <div class={`gallery of-${Math.min(pictures.length, 10)}`}>
        {pictures.map((picture, i) => {
          const hidden = picture.spoiler && !revealed.has(picture.url);
          const label = picture.description ?? picture.name;
          return (
            <button
              key={i}
              type="button"
              class={`picture ${hidden ? "hidden" : ""}`}
              aria-label={hidden ? "Hidden picture: press to reveal" : `Enlarge ${label}`}
              onClick={() => press(picture, i)}
            >
              <img
                src={picture.url}
                alt={label}
                width={picture.width ?? undefined}
                height={picture.height ?? undefined}
              />
            </button>
          );
        })}
      </div>
      {open !== null && <Lightbox pictures={pictures} start={open} onClose={() => show(null)} />}
    </>
  );
}
