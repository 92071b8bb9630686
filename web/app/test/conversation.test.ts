import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bridge } from "../src/bridge/bridge.js";
import type { Message } from "../src/bridge/protocol.js";
import { connect } from "../src/page/calls.js";
import { Conversation } from "../src/page/conversation.js";

const PARTNER = { id: 2, name: "partner" };

const message = (id: number): Message => ({
  id,
  partner: PARTNER.id,
  isMine: false,
  text: `number ${id}`,
  files: [],
  isOtherKind: false,
  timestamp: new Date(Date.UTC(2026, 10, 22) + id * 1000).toISOString(),
  replyTo: null,
  expiresAt: null,
  clientId: null,
});

/** A Worker that has so many messages, and a page that shows them. */
async function world(count: number) {
  let kept = count;
  const asked: number[] = [];
  const history = async (_: number, before: number | null, limit: number) => {
    asked.push(limit);
    const newest = Math.min(kept, (before ?? Infinity) - 1);
    return Array.from({ length: Math.min(limit, newest) }, (_, index) => message(newest - index));
  };
  connect({ calls: { history } } as unknown as Bridge);
  const conversation = new Conversation(PARTNER, null);
  await conversation.refresh();
  const ids = () => conversation.messages.value.map(({ id }) => id);
  const drawn = () => conversation.drawn.value.map(({ id }) => id);
  return { conversation, asked, ids, drawn, come: (more: number) => void (kept += more) };
}

const isWithoutGap = (ids: readonly number[]) => ids.every((id, index) => index === 0 || id === ids[index - 1]! + 1);

test("older messages are drawn as far as the first, in bounded number", async () => {
  const { conversation, drawn } = await world(1_000);
  assert.equal(drawn().at(-1), 1_000);
  const seen = new Set(drawn());
  for (let pages = 0; pages < 40 && !seen.has(1); pages += 1) {
    await conversation.older();
    assert.ok(drawn().length <= 180);
    assert.ok(isWithoutGap(drawn()));
    for (const id of drawn()) seen.add(id);
  }
  assert.equal(seen.size, 1_000);
  await conversation.older();
  assert.ok(conversation.isWhole.value);
  for (let pages = 0; pages < 40 && !conversation.isAtEnd.value; pages += 1) conversation.newer();
  assert.equal(drawn().at(-1), 1_000);
});

test("who wants more at once when something has come gets it", async () => {
  const { conversation, ids } = await world(300);
  let isAsked = false;
  const stop = conversation.messages.subscribe((messages) => {
    if (messages.length > 24 && !isAsked) {
      isAsked = true;
      void conversation.older();
    }
  });
  await conversation.older();
  await new Promise((resolve) => setTimeout(resolve));
  stop();
  assert.equal(ids().length, 24 + 60 + 60);
});

test("of what comes no more is loaded than that, once for all that come meanwhile", async () => {
  const { conversation, asked, ids, drawn, come } = await world(100);
  const arrivals = Array.from({ length: 3 }, () => {
    come(1);
    return conversation.arrived(1);
  });
  await Promise.all(arrivals);
  assert.deepEqual(asked.slice(1), [2, 3]);
  assert.equal(drawn().at(-1), 103);
  assert.ok(isWithoutGap(ids()));
});

test("when more has come than was told, nothing is left out between", async () => {
  const { conversation, ids, come } = await world(100);
  come(5);
  await conversation.arrived(1);
  assert.equal(ids().at(-1), 105);
  assert.ok(isWithoutGap(ids()));
  come(500);
  await conversation.arrived(500);
  assert.equal(ids().at(-1), 605);
  assert.ok(isWithoutGap(ids()));
  await conversation.older();
  assert.ok(isWithoutGap(ids()));
});

test("who reads older messages stays there, however many come, and gets to the newest", async () => {
  const { conversation, drawn, ids, come } = await world(1_000);
  for (let steps = 0; steps < 10; steps += 1) await conversation.older();
  const before = drawn();
  come(1);
  await conversation.arrived(1);
  assert.deepEqual(drawn(), before);
  assert.ok(isWithoutGap(ids()));
  come(500);
  await conversation.arrived(500);
  assert.deepEqual(drawn(), before);
  assert.ok(!conversation.isAtEnd.value);
  conversation.toEnd();
  await conversation.arrived(0);
  assert.equal(drawn().at(-1), 1_501);
  assert.ok(isWithoutGap(ids()));
  assert.ok(conversation.isAtEnd.value);
});

test("what seemed to be the beginning is looked for anew when more was loaded behind it", async () => {
  const { conversation, come } = await world(2);
  assert.ok(conversation.isWhole.value);
  come(100);
  await conversation.reload();
  assert.ok(!conversation.isWhole.value);
});
