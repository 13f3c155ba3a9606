// Discord's components in a message, the rows of old and the layouts of version 2.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Kind, type Component, type Media, type Message } from "../discord";
import { Markup } from "../markdown/markup";
import { isVideo, nameInAddress, ownAddress } from "../pieces/files";
import { FileCard } from "./attachments";
import { Button } from "./buttons";
import { useAccent } from "./embeds";
import { Gallery } from "./gallery";
import { MessageSelect } from "./selects";

interface Props {
  components: Component[];
  message: Message;
}

export function Components({ components, message }: Props): JSX.Element {
  return (
    <>
      {components.map((each, i) => (
        <One key={each.id ?? i} component={each} message={message} />
      ))}
    </>
  );
}

interface OneProps {
  component: Component;
  message: Message;
}

function One({ component, message }: OneProps): JSX.Element {
  const children = component.components ?? [];
  switch (component.type) {
    case Kind.Row:
      return (
        <div class="row">
          <Components components={children} message={message} />
        </div>
      );
    case Kind.Button:
      return <Button button={component} message={message} />;
    case Kind.StringSelect:
    case Kind.UserSelect:
    case Kind.RoleSelect:
    case Kind.MentionableSelect:
    case Kind.ChannelSelect:
      return <MessageSelect select={component} message={message} />;
    case Kind.Section:
      return <Section component={component} message={message} />;
    case Kind.TextDisplay:
      return <Markup text={component.content ?? ""} />;
    case Kind.Thumbnail:
      return component.media ? (
        <Gallery pictures={[picture(component.media, component.description, component.spoiler)]} />
      ) : (
        <></>
      );
    case Kind.MediaGallery:
      return <MediaGallery component={component} />;
    case Kind.File:
      return <AttachedFile component={component} />;
    case Kind.Separator:
      return <hr class={`separator ${component.divider === false ? "plain" : ""} spacing-${component.spacing ?? 1}`} />;
    case Kind.Container:
      return <Container component={component} message={message} />;
    default:
      return <p class="unknown">A component of type {component.type}, which the playground does not know.</p>;
  }
}

function Section({ component, message }: OneProps): JSX.Element {
  return (
    <div class="section">
      <div>
        <Components components={component.components ?? []} message={message} />
      </div>
      {component.accessory && <One component={component.accessory} message={message} />}
    </div>
  );
}

function Container({ component, message }: OneProps): JSX.Element {
  const box = useAccent<HTMLDivElement>(component.accent_color);
  const [shown, show] = useState(!component.spoiler);
  return (
    <div class={`container ${component.accent_color == null ? "" : "accented"}`} ref={box}>
      {shown ? (
        <Components components={component.components ?? []} message={message} />
      ) : (
        <button type="button" class="button secondary" onClick={() => show(true)}>
          Spoiler: press to see
        </button>
      )}
    </div>
  );
}

function MediaGallery({ component }: { component: Component }): JSX.Element {
  const items = component.items ?? [];
  const films = items.filter((item) => isVideo(item.media.content_type, nameInAddress(item.media.url)));
  const pictures = items.filter((item) => !films.includes(item));
  return (
    <>
      <Gallery pictures={pictures.map((item) => picture(item.media, item.description, item.spoiler))} />
      {films.map((film, i) => (
        <video key={i} class="film" src={ownAddress(film.media.url) ?? ""} controls loop playsInline />
      ))}
    </>
  );
}

function picture(media: Media, description: string | null | undefined, spoiler: boolean | null | undefined) {
  const { width, height } = media;
  const url = ownAddress(media.url) ?? "";
  const name = nameInAddress(media.url);
  return { url, name, width, height, description: description ?? undefined, spoiler: spoiler ?? false };
}

function AttachedFile({ component }: { component: Component }): JSX.Element {
  const url = component.file?.url ?? "";
  return (
    <FileCard url={ownAddress(url) ?? ""} name={component.name ?? nameInAddress(url)} size={component.size ?? null} />
  );
}
