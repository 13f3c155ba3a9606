// A message's files: pictures in a grid, films to play, everything else to download.

import type { JSX } from "preact";
import type { Attachment } from "../discord";
import { fileSize, isImage, isSpoiler, isVideo, ownAddress } from "../pieces/files";
import { Icon } from "../pieces/icons";
import { Gallery, type Shown } from "./gallery";

export function Attachments({ files }: { files: Attachment[] }): JSX.Element {
  const pictures = files.filter((file) => isImage(file.content_type, file.filename));
  const rest = files.filter((file) => !pictures.includes(file));
  return (
    <>
      <Gallery pictures={pictures.map(shown)} />
      {rest.map((file) => (
        <OtherFile key={file.id} file={file} />
      ))}
    </>
  );
}

function shown(file: Attachment): Shown {
  return {
    url: ownAddress(file.url) ?? "",
    name: file.filename,
    description: file.description ?? undefined,
    width: file.width,
    height: file.height,
    spoiler: isSpoiler(file.filename),
  };
}

function OtherFile({ file }: { file: Attachment }): JSX.Element {
  const url = ownAddress(file.url) ?? "";
  if (isVideo(file.content_type, file.filename)) return <video class="film" src={url} controls loop playsInline />;
  if (file.content_type?.startsWith("audio/")) return <audio src={url} controls />;
  return <FileCard url={url} name={file.filename} size={file.size} />;
}

export function FileCard({ url, name, size }: { url: string; name: string; size?: number | null }): JSX.Element {
  return (
    <a class="file" href={url} download={name}>
      <Icon name="file" />
      <span>
        <b>{name}</b>
        {size != null && <small>{fileSize(size)}</small>}
      </span>
    </a>
  );
}
