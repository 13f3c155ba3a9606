// Files about to be sent, each with a way to take it out again.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { fileSize } from "./files";
import { Icon } from "./icons";

interface Props {
  files: File[];
  limit: number;
  onChange: (files: File[]) => void;
}

export function FileStrip({ files, limit, onChange }: Props): JSX.Element | null {
  if (!files.length) return null;
  return (
    <ul class="file-strip" aria-label="Attached files">
      {files.map((file, i) => (
        <li key={`${file.name}-${i}`}>
          <Preview file={file} />
          <span>
            {file.name}
            <small>{fileSize(file.size)}</small>
            {limit > 0 && file.size > limit && <small class="mistake">Too large: at most {fileSize(limit)}</small>}
          </span>
          <button
            type="button"
            aria-label={`Remove ${file.name}`}
            onClick={() => onChange(files.filter((_, other) => other !== i))}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Drawn on a canvas: the page's security policy lets no picture in by a blob: address. */
function Preview({ file }: { file: File }): JSX.Element | null {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (file.type.startsWith("image/")) void draw(canvas.current, file);
  }, [file]);
  if (!file.type.startsWith("image/")) return <Icon name="file" />;
  return <canvas ref={canvas} width={48} height={48} aria-hidden="true" />;
}

async function draw(canvas: HTMLCanvasElement | null, file: File): Promise<void> {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!canvas || !picture) return;
  const side = Math.min(picture.width, picture.height);
  const [x, y] = [(picture.width - side) / 2, (picture.height - side) / 2];
  canvas.getContext("2d")?.drawImage(picture, x, y, side, side, 0, 0, canvas.width, canvas.height);
}
