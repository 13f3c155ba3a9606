// Shows Discord's markdown. Every piece of text becomes a text node: nothing a person types is ever HTML.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { nameOf } from "../discord";
import { usePlayground } from "../state/playground";
import { parseBlocks, type Block } from "./blocks";
import { parseInline, type Inline } from "./inline";
import { absolute, nextChange, relative } from "./time";

export function Markup({ text }: { text: string }): JSX.Element {
  const blocks = useMemo(() => parseBlocks(text), [text]);
  return <div class="markup">{blocks.map(block)}</div>;
}

/** The first line of a text, as replies quote it. */
export function Excerpt({ text }: { text: string }): JSX.Element {
  const nodes = useMemo(() => parseInline(text.split("\n", 1)[0] ?? ""), [text]);
  return <span class="excerpt">{inline(nodes)}</span>;
}

function block(each: Block, key: number): JSX.Element {
  switch (each.kind) {
    case "paragraph":
      return <p key={key}>{inline(each.children)}</p>;
    case "subtext":
      return (
        <p key={key} class="subtext">
          {inline(each.children)}
        </p>
      );
    case "heading":
      return (
        <p key={key} class={`heading level-${each.level}`} role="heading" aria-level={3}>
          {inline(each.children)}
        </p>
      );
    case "quote":
      return <blockquote key={key}>{each.blocks.map(block)}</blockquote>;
    case "list": {
      const items = each.items.map((item, i) => <li key={i}>{inline(item)}</li>);
      return each.ordered ? (
        <ol key={key} start={each.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      );
    }
    case "fence":
      return (
        <pre key={key} tabIndex={0}>
          <code>{each.text}</code>
        </pre>
      );
  }
}

function inline(nodes: Inline[]): ComponentChildren {
  return nodes.map((node, key) => <Piece key={key} node={node} />);
}

function Piece({ node }: { node: Inline }): JSX.Element {
  switch (node.kind) {
    case "text":
      return <>{node.text}</>;
    case "bold":
      return <strong>{inline(node.children)}</strong>;
    case "italic":
      return <em>{inline(node.children)}</em>;
    case "underline":
      return <u>{inline(node.children)}</u>;
    case "strike":
      return <s>{inline(node.children)}</s>;
    case "spoiler":
      return <Spoiler>{inline(node.children)}</Spoiler>;
    case "code":
      return <code>{node.text}</code>;
    case "link":
      return (
        <a href={node.url} target="_blank" rel="noopener noreferrer">
          {inline(node.children)}
        </a>
      );
    case "mention":
      return <Mention of={node.of} id={node.id} />;
    case "everyone":
      return <span class="mention">{node.text}</span>;
    case "command":
      return <span class="mention">/{node.name}</span>;
    case "time":
      return <Moment seconds={node.seconds} style={node.style} />;
    case "emoji":
      return <>:{node.name}:</>;
  }
}

function Spoiler({ children }: { children: ComponentChildren }): JSX.Element {
  const [shown, show] = useState(false);
  if (shown) return <span class="spoiler shown">{children}</span>;
  return (
    <button type="button" class="spoiler" aria-label="Spoiler: press to read" onClick={() => show(true)}>
      <span aria-hidden="true">{children}</span>
    </button>
  );
}

function Mention({ of, id }: { of: "user" | "role" | "channel"; id: string }): JSX.Element {
  const { state } = usePlayground();
  if (of === "user") {
    const user = state.people.find((each) => each.id === id) ?? (state.bot?.id === id ? state.bot : undefined);
    return <span class={`mention ${id === state.me?.id ? "me" : ""}`}>@{user ? nameOf(user) : "unknown"}</span>;
  }
  if (of === "channel") {
    const channel = state.channels.find((each) => each.id === id);
    return <span class="mention">#{channel?.name ?? "unknown"}</span>;
  }
  return <span class="mention">@role</span>;
}

function Moment({ seconds, style }: { seconds: number; style: string }): JSX.Element {
  const [now, tick] = useState(Date.now() / 1000);
  useEffect(() => {
    if (style !== "R") return;
    const timer = setTimeout(() => tick(Date.now() / 1000), nextChange(seconds, now));
    return () => clearTimeout(timer);
  }, [now, seconds, style]);
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return <>{`<t:${seconds}>`}</>;
  return (
    <time dateTime={date.toISOString()} title={absolute(seconds, "F")}>
      {style === "R" ? relative(seconds, now) : absolute(seconds, style)}
    </time>
  );
}
