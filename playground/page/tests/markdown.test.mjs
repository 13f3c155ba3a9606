import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBlocks } from "../src/markdown/blocks";
import { parseInline } from "../src/markdown/inline";
import { relative } from "../src/markdown/time";

/** Writes nodes back in a short form: bold as b(...), and so on. */
function short(nodes) {
  return nodes
    .map((node) => {
      if (node.kind === "text") return node.text;
      if (node.kind === "code") return `code(${node.text})`;
      if (node.kind === "mention") return `${node.of}(${node.id})`;
      if (node.kind === "time") return `time(${node.seconds} ${node.style})`;
      if (node.kind === "link") return `link(${node.url} ${short(node.children)})`;
      if (node.kind === "emoji" || node.kind === "command") return `${node.kind}(${node.name})`;
      if (node.kind === "everyone") return `everyone(${node.text})`;
      return `${node.kind}(${short(node.children)})`;
    })
    .join("");
}

const INLINE = [
  ["plain words", "plain words"],
  ["**bold**", "bold(bold)"],
  ["*a* _b_", "italic(a) italic(b)"],
  ["***both***", "bold(italic(both))"],
  ["**a *b* c**", "bold(a italic(b) c)"],
  ["__under__ ~~struck~~ ||secret||", "underline(under) strike(struck) spoiler(secret)"],
  ["2 * 3 * 4", "2 * 3 * 4"],
  ["snake_case_name", "snake_case_name"],
  ["**open", "**open"],
  ["\\*not italic\\* \\_nor this\\_", "*not italic* _nor this_"],
  ["C:\\new", "C:\\new"],
  ["`**code**` and ``a`b``", "code(**code**) and code(a`b)"],
  ["**`**`**", "bold(code(**))"],
  ["<@12> <@!34> <@&56> <#78>", "user(12) user(34) role(56) channel(78)"],
  ["@everyone @here", "everyone(@everyone) everyone(@here)"],
  ["<t:1700000000:R> <t:5>", "time(1700000000 R) time(5 f)"],
  ["<:fox:123> <a:run:456>", "emoji(fox) emoji(run)"],
  ["</preset save:12>", "command(preset save)"],
  ["https://example.org/a_b_c, and", "link(https://example.org/a_b_c https://example.org/a_b_c), and"],
  ["[here](https://example.org)", "link(https://example.org here)"],
  ["[no](javascript:alert)", "[no](javascript:alert)"],
  ["<b>not html</b>", "<b>not html</b>"],
  ["@\u200beveryone", "@\u200beveryone"],
];

for (const [typed, expected] of INLINE) {
  test(`inline: ${typed}`, () => assert.equal(short(parseInline(typed)), expected));
}

function shortBlock(block) {
  if (block.kind === "quote") return `quote[${block.blocks.map(shortBlock)}]`;
  if (block.kind === "list") return `${block.ordered ? "ol" : "ul"}[${block.items.map(short)}]`;
  if (block.kind === "fence") return `fence[${block.language}|${block.text}]`;
  return `${block.kind}${block.level ?? ""}[${short(block.children)}]`;
}

const BLOCKS = [
  ["one\ntwo", "paragraph[one\ntwo]"],
  ["# One\n## Two", "heading1[One] heading2[Two]"],
  ["-# small *print*", "subtext[small italic(print)]"],
  ["text\n-# small\nmore", "paragraph[text] subtext[small] paragraph[more]"],
  ["- a\n- b\n1. c", "ul[a,b] ol[c]"],
  ["> a\n> b\nc", "quote[paragraph[a\nb]] paragraph[c]"],
  [">>> a\nb", "quote[paragraph[a\nb]]"],
  ["```py\nx = 1\n```after", "fence[py|x = 1] paragraph[after]"],
  ["before\n```\n**x**\n```", "paragraph[before] fence[|**x**]"],
  ["**two\nlines**", "paragraph[bold(two\nlines)]"],
  ["#no heading", "paragraph[#no heading]"],
];

for (const [typed, expected] of BLOCKS) {
  test(`blocks: ${JSON.stringify(typed)}`, () => assert.equal(parseBlocks(typed).map(shortBlock).join(" "), expected));
}

test("what is nested without end is read in a moment", () => {
  const started = performance.now();
  parseBlocks("*_".repeat(1000) + "**__||".repeat(300));
  assert.ok(performance.now() - started < 1000);
});

test("a moment is told by how far away it is", () => {
  assert.equal(relative(112, 100), "in 12 seconds");
  assert.equal(relative(100, 280), "3 minutes ago");
  assert.equal(relative(100 + 86400 * 2, 100), "in 2 days");
});
