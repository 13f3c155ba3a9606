// The boxed cards under a message.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Embed } from "../discord";
import { Markup } from "../markdown/markup";
import { absolute } from "../markdown/time";
import { nameInAddress, ownAddress } from "../pieces/files";
import { Gallery } from "./gallery";

export function Embeds({ embeds }: { embeds: Embed[] }): JSX.Element {
  return (
    <>
      {embeds.map((embed, i) => (
        <Card key={i} embed={embed} />
      ))}
    </>
  );
}

function Card({ embed }: { embed: Embed }): JSX.Element {
  const card = useAccent<HTMLElement>(embed.color);
  return (
    <article class="embed" ref={card}>
      <div class="embed-body">
        {embed.author && (
          <p class="embed-author">
            <Link text={embed.author.name} url={embed.author.url} />
          </p>
        )}
        {embed.title && (
          <p class="embed-title" role="heading" aria-level={3}>
            <Link text={embed.title} url={embed.url} markup />
          </p>
        )}
        {embed.description && <Markup text={embed.description} />}
        {embed.fields && embed.fields.length > 0 && <Fields fields={embed.fields} />}
        <Picture url={embed.image?.url} />
        <Foot embed={embed} />
      </div>
      <div class="embed-thumbnail">
        <Picture url={embed.thumbnail?.url} />
      </div>
    </article>
  );
}

function Fields({ fields }: { fields: NonNullable<Embed["fields"]> }): JSX.Element {
  return (
    <dl class="embed-fields">
      {fields.map((field, i) => (
        <div key={i} class={field.inline ? "inline" : ""}>
          <dt>
            <Markup text={field.name} />
          </dt>
          <dd>
            <Markup text={field.value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Foot({ embed }: { embed: Embed }): JSX.Element | null {
  const when = embed.timestamp ? absolute(Date.parse(embed.timestamp) / 1000, "f") : "";
  const text = [embed.footer?.text, when].filter(Boolean).join(" · ");
  return text ? <p class="embed-foot">{text}</p> : null;
}

function Link({ text, url, markup }: { text: string; url?: string | null | undefined; markup?: boolean }): JSX.Element {
  const inside = markup ? <Markup text={text} /> : <>{text}</>;
  if (!url || !/^https?:/.test(url)) return inside;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {inside}
    </a>
  );
}

function Picture({ url }: { url: string | null | undefined }): JSX.Element | null {
  if (!url) return null;
  const own = ownAddress(url);
  if (own) return <Gallery pictures={[{ url: own, name: nameInAddress(own) }]} />;
  return <p class="elsewhere">A picture from elsewhere, which the playground does not load: {url}</p>;
}

/** Colours an element's edge; the policy of the page forbids style attributes, so it is done from here. */
export function useAccent<E extends HTMLElement>(color: number | null | undefined): { current: E | null } {
  const element = useRef<E>(null);
  useEffect(() => {
    const colour = color == null ? "" : `#${color.toString(16).padStart(6, "0")}`;
    element.current?.style.setProperty("--accent-edge", colour);
  }, [color]);
  return element;
}
