import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError, join } from "../src/bridge/bridge.js";
import type { Envelope, News, Snapshot } from "../src/bridge/protocol.js";
import { Attention } from "../src/worker/attention.js";

/** A channel whose other end is the test. */
class FakeChannel extends EventTarget {
  readonly posted: Envelope[] = [];

  postMessage(envelope: Envelope): void {
    this.posted.push(structuredClone(envelope));
  }

  hear(envelope: Envelope): void {
    this.dispatchEvent(new MessageEvent("message", { data: envelope }));
  }

  calls() {
    return this.posted.filter((envelope) => envelope.kind === "call");
  }
}

function world() {
  const channel = new FakeChannel();
  const news: News[] = [];
  const events = { onSnapshot: () => {}, onNews: (one: News) => void news.push(one) };
  const bridge = join(channel as unknown as BroadcastChannel, "tab", true, events);
  const lead = (leader: string) => channel.hear({ to: "page", kind: "snapshot", snapshot: { leader } as Snapshot });
  return { channel, bridge, news, lead };
}

test("what is asked before a Worker leads is asked when one does", async () => {
  const { channel, bridge, lead } = world();
  const answer = bridge.calls.parts("text");
  assert.deepEqual(
    channel.posted.map(({ kind }) => kind),
    ["hello"],
  );
  lead("one");
  const [call] = channel.calls();
  assert.deepEqual(call?.args, ["text"]);
  channel.hear({ to: "page", kind: "answer", tab: "other", id: call?.id ?? 0, value: 9 });
  channel.hear({ to: "page", kind: "answer", tab: "tab", id: call?.id ?? 0, value: 3 });
  assert.equal(await answer, 3);
});

test("when another Worker leads, reading is asked again and writing is not: it may have been done", async () => {
  const { channel, bridge, lead } = world();
  lead("one");
  const reading = bridge.calls.history(2, null, 40);
  const writing = bridge.calls.send(2, "hello", null);
  lead("one");
  assert.equal(channel.calls().length, 2, "the same one changes nothing");
  lead("two");
  await assert.rejects(writing, (error: CallError) => error.code === "interrupted");
  const again = channel.calls().at(-1);
  assert.equal(again?.name, "history");
  channel.hear({ to: "page", kind: "answer", tab: "tab", id: again?.id ?? 0, value: [] });
  assert.deepEqual(await reading, []);
});

test("a failure keeps its code and the time to wait", async () => {
  const { channel, bridge, lead } = world();
  lead("one");
  const call = bridge.calls.signIn("a", "b");
  const failure = { code: "rate_limited", detail: "wait", retryAfterMs: 900 };
  channel.hear({ to: "page", kind: "answer", tab: "tab", id: 1, failure });
  await assert.rejects(call, { name: "CallError", ...failure });
});

test("the connection rests when no tab was visible for a while, and wakes with the first", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const done: string[] = [];
  const attention = new Attention(
    () => done.push("rest"),
    () => done.push("wake"),
    1_000,
  );
  attention.look("a", true);
  attention.look("b", false);
  attention.look("a", false);
  context.mock.timers.tick(999);
  attention.look("b", true);
  context.mock.timers.tick(5_000);
  assert.deepEqual(done, ["wake", "wake"]);
  attention.forget("b");
  context.mock.timers.tick(1_000);
  assert.deepEqual(done, ["wake", "wake", "rest"]);
});
