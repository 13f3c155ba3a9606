// Discord's markdown inside a line, as data: **bold**, `code`, <@mentions>, <t:...> and the rest.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "bold" | "italic" | "underline" | "strike" | "spoiler"; children: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "link"; url: string; children: Inline[] }
  | { kind: "mention"; of: "user" | "role" | "channel"; id: string }
  | { kind: "everyone"; text: string }
  | { kind: "command"; name: string }
  | { kind: "time"; seconds: number; style: string }
  | { kind: "emoji"; name: string };

interface Found {
  node: Inline;
  end: number;
}

type Rule = (text: string, at: number, depth: number) => Found | null;

const DEEPEST = 12;

/** Reads one piece of text; whatever is not closed stays as it was typed. */
export function parseInline(text: string, depth = 0): Inline[] {
  const nodes: Inline[] = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    if (text[at] === "\\" && /[^A-Za-z0-9\s]/.test(text[at + 1] ?? "")) {
      plain += text[at + 1];
      at += 2;
      continue;
    }
    const found = depth < DEEPEST ? firstMatch(text, at, depth) : null;
    if (found) {
      if (plain) nodes.push({ kind: "text", text: plain });
      plain = "";
      nodes.push(found.node);
      at = found.end;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  if (plain) nodes.push({ kind: "text", text: plain });
  return nodes;
}

function firstMatch(text: string, at: number, depth: number): Found | null {
  for (const rule of rulesFor(text[at] ?? "")) {
    const found = rule(text, at, depth);
    if (found) return found;
  }
  return null;
}

function rulesFor(character: string): readonly Rule[] {
  return RULES[character] ?? [];
}

/** Where a marker closes what it opened: not escaped, and not inside code. */
function closing(text: string, from: number, marker: string): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === "\\") {
      i++;
    } else if (text[i] === "`" && marker !== "`") {
      const end = text.indexOf("`", i + 1);
      if (end > 0) i = end;
    } else if (text.startsWith(marker, i) && i > from) {
      return i;
    }
  }
  return -1;
}

function pair(marker: string, kind: "bold" | "underline" | "strike" | "spoiler"): Rule {
  return (text, at, depth) => {
    if (!text.startsWith(marker, at)) return null;
    const start = at + marker.length;
    let end = closing(text, start, marker);
    if (end < 0) return null;
    // ***both*** closes with the outer pair last
    if (kind === "bold" && text[end + 2] === "*") end += 1;
    return { node: { kind, children: parseInline(text.slice(start, end), depth + 1) }, end: end + marker.length };
  };
}

function italic(marker: "*" | "_"): Rule {
  return (text, at, depth) => {
    if (marker === "_" && /\w/.test(text[at - 1] ?? "")) return null;
    if (/\s/.test(text[at + 1] ?? " ")) return null;
    let end = at;
    do {
      end = closing(text, end + 1, marker);
      while (end > 0 && text[end + 1] === marker) end = closing(text, end + 2, marker);
      if (end < 0) return null;
    } while (/\s/.test(text[end - 1] ?? " ") || (marker === "_" && /\w/.test(text[end + 1] ?? "")));
    return { node: { kind: "italic", children: parseInline(text.slice(at + 1, end), depth + 1) }, end: end + 1 };
  };
}

const code: Rule = (text, at) => {
  const ticks = /^`+/.exec(text.slice(at))?.[0] ?? "`";
  const end = text.indexOf(ticks, at + ticks.length);
  if (end < 0) return null;
  return { node: { kind: "code", text: text.slice(at + ticks.length, end).trim() }, end: end + ticks.length };
};

/** A rule from a pattern that must match right here. */
function pattern(expression: RegExp, make: (match: RegExpExecArray, depth: number) => Inline | null): Rule {
  const sticky = new RegExp(expression.source, `${expression.flags}y`);
  return (text, at, depth) => {
    sticky.lastIndex = at;
    const match = sticky.exec(text);
    const node = match && make(match, depth);
    return node ? { node, end: at + match[0].length } : null;
  };
}

const maskedLink = pattern(/\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/, (match, depth) => ({
  kind: "link",
  url: match[2] ?? "",
  children: parseInline(match[1] ?? "", depth + 1),
}));

function plainLink(url: string): Inline {
  return { kind: "link", url, children: [{ kind: "text", text: url }] };
}

const MENTIONED = { "@": "user", "@!": "user", "@&": "role", "#": "channel" } as const;

const RULES: Record<string, readonly Rule[]> = {
  "*": [pair("**", "bold"), italic("*")],
  _: [pair("__", "underline"), italic("_")],
  "~": [pair("~~", "strike")],
  "|": [pair("||", "spoiler")],
  "`": [code],
  "[": [maskedLink],
  "<": [
    pattern(/<(@[!&]?|#)(\d{1,20})>/, (match) => ({
      kind: "mention",
      of: MENTIONED[match[1] as keyof typeof MENTIONED],
      id: match[2] ?? "",
    })),
    pattern(/<t:(-?\d{1,13})(?::([tTdDfFR]))?>/, (match) => ({
      kind: "time",
      seconds: Number(match[1]),
      style: match[2] ?? "f",
    })),
    pattern(/<\/([-\w ]{1,100}):\d{1,20}>/, (match) => ({ kind: "command", name: match[1] ?? "" })),
    pattern(/<a?:(\w{2,32}):\d{1,20}>/, (match) => ({ kind: "emoji", name: match[1] ?? "" })),
    pattern(/<(https?:\/\/[^\s>]+)>/, (match) => plainLink(match[1] ?? "")),
  ],
  h: [pattern(/https?:\/\/[^\s<>]*[^\s<>.,:;"')\]*_|~`]/, (match) => plainLink(match[0]))],
  "@": [pattern(/@(everyone|here)\b/, (match) => ({ kind: "everyone", text: match[0] }))],
};
