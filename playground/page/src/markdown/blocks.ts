// Discord's markdown line by line, as data: headings, -# small print, quotes, lists and ``` fences.

import { parseInline, type Inline } from "./inline";

export type Block =
  | { kind: "paragraph" | "subtext"; children: Inline[] }
  | { kind: "heading"; level: number; children: Inline[] }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; ordered: boolean; start: number; items: Inline[][] }
  | { kind: "fence"; language: string; text: string };

const FENCE = /```(?:([\w+-]*)\n)?([\s\S]*?)```/g;
const BULLET = /^ *[-*] +(?=\S)/;
const NUMBER = /^ *(\d{1,9})\. +(?=\S)/;

/** Reads a whole text. */
export function parseBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let last = 0;
  for (const match of text.matchAll(FENCE)) {
    if (!match[2]) continue;
    blocks.push(...parseLines(text.slice(last, match.index).replace(/\n$/, "")));
    blocks.push({ kind: "fence", language: match[1] ?? "", text: match[2].replace(/^\n|\n$/g, "") });
    last = match.index + match[0].length;
  }
  const rest = last ? text.slice(last).replace(/^\n/, "") : text;
  blocks.push(...parseLines(rest));
  return blocks;
}

function parseLines(text: string): Block[] {
  if (text === "") return [];
  const lines = text.split("\n");
  const blocks: Block[] = [];
  let plain: string[] = [];
  const flush = () => {
    if (plain.length) blocks.push({ kind: "paragraph", children: parseInline(plain.join("\n")) });
    plain = [];
  };
  for (let i = 0; i < lines.length;) {
    const taken = specialBlock(lines, i);
    if (taken) {
      flush();
      blocks.push(taken.block);
      i += taken.lines;
    } else {
      plain.push(lines[i] ?? "");
      i += 1;
    }
  }
  flush();
  return blocks;
}

function specialBlock(lines: string[], at: number): { block: Block; lines: number } | null {
  const line = lines[at] ?? "";
  const heading = /^(#{1,3}) +(\S.*)$/.exec(line);
  if (heading) {
    const children = parseInline(heading[2] ?? "");
    return { block: { kind: "heading", level: heading[1]?.length ?? 1, children }, lines: 1 };
  }
  if (/^-# +\S/.test(line)) {
    return { block: { kind: "subtext", children: parseInline(line.replace(/^-# +/, "")) }, lines: 1 };
  }
  if (line.startsWith(">>> ")) {
    const rest = [line.slice(4), ...lines.slice(at + 1)];
    return { block: { kind: "quote", blocks: parseLines(rest.join("\n")) }, lines: rest.length };
  }
  if (line.startsWith("> ")) {
    const quoted = takeWhile(lines, at, (each) => each.startsWith("> "));
    const inside = quoted.map((each) => each.slice(2)).join("\n");
    return { block: { kind: "quote", blocks: parseLines(inside) }, lines: quoted.length };
  }
  return list(lines, at, BULLET, false) ?? list(lines, at, NUMBER, true);
}

function list(lines: string[], at: number, mark: RegExp, ordered: boolean): { block: Block; lines: number } | null {
  const items = takeWhile(lines, at, (each) => mark.test(each));
  if (!items.length) return null;
  const start = Number(mark.exec(items[0] ?? "")?.[1] ?? 1);
  const parsed = items.map((each) => parseInline(each.replace(mark, "")));
  return { block: { kind: "list", ordered, start, items: parsed }, lines: items.length };
}

function takeWhile(lines: string[], at: number, fits: (line: string) => boolean): string[] {
  let end = at;
  while (end < lines.length && fits(lines[end] ?? "")) end++;
  return lines.slice(at, end);
}
