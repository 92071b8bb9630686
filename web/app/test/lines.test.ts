import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message, Pending } from "../src/bridge/protocol.js";
import { type Line, isSame, linesOf, tickOf } from "../src/lib/lines.js";

const message = (id: number, minutes: number, more: Partial<Message> = {}): Message => ({
  id,
  partner: 2,
  isMine: false,
  text: `text ${id}`,
  files: [],
  isOtherKind: false,
  timestamp: new Date(Date.UTC(2026, 10, 22, 12, minutes)).toISOString(),
  replyTo: null,
  expiresAt: null,
  clientId: null,
  ...more,
});
const waiting = (clientId: string, minutes: number): Pending => ({
  clientId,
  partner: 2,
  text: "x",
  files: [],
  writtenAt: Date.UTC(2026, 10, 22, 12, minutes),
  replyTo: null,
  failed: null,
});
const kinds = (lines: readonly Line[]) => lines.map(({ kind }) => kind).join(" ");
const nothing = { pending: [], keyChanges: [], unreadAfter: null, isWhole: true };

test("each day begins with a line, and what is waiting comes last", () => {
  const lines = linesOf({ ...nothing, messages: [message(1, 0), message(2, 24 * 60)], pending: [waiting("a", 1)] });
  assert.equal(kinds(lines), "day message day message pending");
});

test("messages of one side within five minutes are one group", () => {
  const messages = [message(1, 0), message(2, 4), message(3, 10), message(4, 11, { isMine: true })];
  const marks = linesOf({ ...nothing, messages }).flatMap((line) =>
    line.kind === "message" ? [`${line.isFirst ? "(" : ""}${line.message.id}${line.isLast ? ")" : ""}`] : [],
  );
  assert.deepEqual(marks, ["(1", "2)", "(3)", "(4)"]);
});

test("what is new has a line above it, once, and never above one's own", () => {
  const messages = [message(1, 0), message(2, 1, { isMine: true }), message(3, 2), message(4, 3)];
  assert.equal(kinds(linesOf({ ...nothing, messages, unreadAfter: 1 })), "day message message unread message message");
  assert.equal(kinds(linesOf({ ...nothing, messages, unreadAfter: null })), "day message message message message");
});

test("a changed key is shown where it happened, unless that is not drawn", () => {
  const messages = [message(1, 0), message(2, 10)];
  const at = (minutes: number) => new Date(Date.UTC(2026, 10, 22, 12, minutes)).toISOString();
  assert.equal(kinds(linesOf({ ...nothing, messages, keyChanges: [at(5)] })), "day message key_changed message");
  assert.equal(kinds(linesOf({ ...nothing, messages, keyChanges: [at(20)] })), "day message message key_changed");
  const earlier = { ...nothing, messages: [message(2, 10)], keyChanges: [at(5)] };
  assert.equal(kinds(linesOf({ ...earlier, isWhole: false })), "day message");
  assert.equal(kinds(linesOf({ ...earlier, isWhole: true })), "day key_changed message");
});

test("a message keeps its name when it leaves the outbox, so that it is not drawn anew", () => {
  const [, pending] = linesOf({ ...nothing, messages: [], pending: [waiting("name", 0)] });
  const [, stored] = linesOf({ ...nothing, messages: [message(9, 0, { isMine: true, clientId: "name" })] });
  assert.equal(pending?.key, stored?.key);
});

test("what is stored is not shown as waiting too", () => {
  const stored = message(9, 0, { isMine: true, clientId: "name" });
  assert.equal(kinds(linesOf({ ...nothing, messages: [stored], pending: [waiting("name", 0)] })), "day message");
});

test("a line looks the same until its message or its place in a group changes", () => {
  const [first, second] = [message(1, 0), message(2, 1)];
  const line = (messages: (typeof first)[]) => linesOf({ ...nothing, messages })[1]!;
  assert.ok(isSame(line([first]), line([first])));
  assert.ok(!isSame(line([first]), line([first, second])), "the last of its group no more");
  assert.ok(!isSame(line([first]), line([{ ...first, text: "another" }])));
});

test("ticks follow the positions of the partner", () => {
  const chat = { partnerReadUpTo: 3, partnerDeliveredUpTo: 5 };
  assert.deepEqual(
    [3, 4, 5, 6].map((id) => tickOf({ id }, chat)),
    ["read", "delivered", "delivered", "sent"],
  );
  assert.equal(tickOf({ id: 1 }, null), "sent");
});
