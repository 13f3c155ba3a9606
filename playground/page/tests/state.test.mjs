import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState, reduce } from "../src/state/state";

const me = { id: "1", key: "member", username: "member", about: "" };
const channels = [{ id: "9" }, { id: "8" }];
const hello = {
  type: "hello",
  me,
  people: [me],
  bot: { id: "2" },
  online: true,
  server: { id: "7", name: "Studio" },
  channels,
  commands: [],
  upload_limit: 10,
};
const message = (id, more = {}) => ({ id, channel_id: "9", author: { id: "2" }, content: id, reactions: [], ...more });

function after(...actions) {
  return [hello, ...actions].reduce(reduce, initialState("member"));
}

test("the first channel is open at first", () => {
  assert.equal(after().channel, "9");
});

test("a channel more and its commands take the place of the earlier lists", () => {
  const state = after(
    { type: "channels", channels: [...channels, { id: "5" }], commands: [{ id: "4" }] },
    { type: "open", channel: "5" },
  );
  assert.deepEqual(
    state.channels.map((each) => each.id),
    ["9", "8", "5"],
  );
  assert.deepEqual(state.commands, [{ id: "4" }]);
  assert.equal(state.channel, "5");
});

test("history comes before what arrived meanwhile, and nothing twice", () => {
  const state = after(
    { type: "message", message: message("b") },
    { type: "message", message: message("c") },
    { type: "history", channel: "9", messages: [message("a"), message("b")] },
  );
  assert.deepEqual(
    state.messages["9"].map((each) => each.id),
    ["a", "b", "c"],
  );
  assert.equal(state.loaded["9"], "all");
});

test("messages are edited, reacted to and deleted in place", () => {
  const state = after(
    { type: "message", message: message("a") },
    { type: "message", message: message("b") },
    { type: "message_update", message: message("a", { content: "new" }) },
    { type: "reactions", channel_id: "9", message_id: "a", reactions: [{ emoji: "⭐", count: 1, me: true }] },
    { type: "message_delete", channel_id: "9", message_id: "b" },
  );
  assert.deepEqual(
    state.messages["9"].map((each) => [each.content, each.reactions.length]),
    [["new", 1]],
  );
});

test("a channel with news is unread until it is opened", () => {
  const news = { type: "message", message: message("a", { channel_id: "8" }) };
  assert.deepEqual([...after(news).unread], ["8"]);
  assert.deepEqual([...after(news, { type: "open", channel: "8" }).unread], []);
});

test("an answer that comes before the reply to the request settles it", () => {
  const asked = { type: "asked", interaction: "5", pending: { channel: "9", what: "/imagine", message: "a" } };
  assert.equal(after(asked).pending["5"].message, "a");
  assert.equal(after({ type: "acknowledged", interaction_id: "5" }, asked).pending["5"].message, undefined);
});

test("a failure remembers what was asked", () => {
  const asked = { type: "asked", interaction: "5", pending: { channel: "9", what: "/imagine" } };
  const state = after(asked, { type: "interaction_failed", interaction_id: "5", text: "no answer" });
  assert.deepEqual(state.pending["5"], { channel: "9", what: "/imagine", failure: "no answer" });
});

test("becoming somebody else forgets what only I saw", () => {
  const state = after({ type: "message", message: message("a") }, { type: "person", person: "owner" });
  assert.deepEqual([state.person, state.me, state.messages], ["owner", null, {}]);
});
