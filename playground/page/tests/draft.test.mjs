import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, emptyField, finish } from "../src/composer/draft";
import { calledBy, fullName, invocationsIn, matchingInvocations } from "../src/composer/invocations";

const prompt = { type: 3, name: "prompt", description: "", required: true, max_length: 10 };
const steps = { type: 4, name: "steps", description: "", min_value: 1, max_value: 150 };
const strength = { type: 10, name: "strength", description: "" };
const sharp = { type: 5, name: "sharp", description: "" };
const size = { type: 3, name: "size", description: "", choices: [{ name: "Small", value: "s" }] };
const imagine = {
  id: "1",
  name: "imagine",
  description: "",
  options: [prompt, steps, strength, sharp, size],
  channels: ["9"],
};
const preset = {
  id: "2",
  name: "preset",
  description: "",
  channels: ["9"],
  options: [
    { type: 1, name: "save", description: "" },
    { type: 2, name: "share", description: "", options: [{ type: 1, name: "with", description: "" }] },
  ],
};
const all = invocationsIn([imagine, preset, { ...imagine, id: "3", name: "elsewhere", channels: [] }], "9");
const called = all.find((each) => each.path[0] === "imagine");

function sent(typed) {
  const finished = finish(begin(called, typed));
  if ("values" in finished) return finished.values;
  return Object.fromEntries(
    finished.draft.fields.filter((each) => each.error).map((each) => [each.option.name, each.error]),
  );
}

test("subcommands are invocations of their own", () => {
  assert.deepEqual(all.map(fullName), ["/imagine", "/preset save", "/preset share with"]);
});

test("a name is found by its beginning and by its middle", () => {
  assert.deepEqual(matchingInvocations(all, "/pre").map(fullName), ["/preset save", "/preset share with"]);
  assert.deepEqual(matchingInvocations(all, "/save").map(fullName), ["/preset save"]);
});

test("a command is called once its name is complete", () => {
  assert.equal(calledBy(all, "/imagin a cat"), null);
  assert.equal(calledBy(all, "/imagine a cat").rest, "a cat");
  assert.equal(fullName(calledBy(all, "/preset share with ").invocation), "/preset share with");
});

test("a whole line is taken apart by the names of options", () => {
  assert.deepEqual(sent("a cat steps:20 sharp:true"), { prompt: "a cat", steps: 20, sharp: true });
  assert.deepEqual(sent("at 5:30"), { prompt: "at 5:30" });
  assert.deepEqual(sent("prompt:a cat"), { prompt: "a cat" });
});

test("values have the types of their options", () => {
  assert.deepEqual(sent("x strength:0.5 size:small"), { prompt: "x", strength: 0.5, size: "s" });
});

test("mistakes are told in words", () => {
  assert.deepEqual(sent(""), { prompt: "Needed" });
  assert.deepEqual(sent("x steps:0"), { steps: "From 1 to 150" });
  assert.deepEqual(sent("x steps:two"), { steps: "A whole number" });
  assert.deepEqual(sent("x size:huge"), { size: "Choose one from the list" });
  assert.deepEqual(sent("much too long"), { prompt: "At most 10 characters; this has 13" });
});

test("what was picked is sent as its value, not as its label", () => {
  const draft = { invocation: called, fields: [{ ...emptyField(prompt), text: "A cat", picked: "cat" }] };
  assert.deepEqual(finish(draft).values, { prompt: "cat" });
});
