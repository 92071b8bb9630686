import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { type Action, type Event, type State, begin, step } from "../src/machine.js";

const directory = new URL("../../../../vectors/", import.meta.url);

interface Trace {
  client: { user_id: number; watch: number[]; cursor: string | null; outbox: never[] };
  state: unknown;
  steps: { event: Event; actions: Action[]; next: unknown }[];
}

/** The machine's account of itself, as the traces have it. */
function account(state: State): unknown {
  const { connection, progress, outbox, reads, newest_incoming, said_delivered, holds_back, send_backoff } = state;
  const items = outbox.items.map(({ draft, failed, state, renewals }) => {
    return { client_id: draft.client_id, failed, state, renewals };
  });
  const box = { items, in_flight: outbox.in_flight };
  return { connection, progress, outbox: box, reads, newest_incoming, said_delivered, holds_back, send_backoff };
}

/** Leaves out of `found` what `expected` does not name: this machine keeps frames whole. */
function projected(found: unknown, expected: unknown): unknown {
  if (typeof expected !== "object" || expected === null || typeof found !== "object" || found === null) {
    return found ?? null;
  }
  if (Array.isArray(expected)) {
    return (found as unknown[]).map((item, index) => projected(item, expected[index]));
  }
  const named = Object.entries(expected);
  return Object.fromEntries(named.map(([key, value]) => [key, projected((found as never)[key], value)]));
}

const examples = ["files.json", "franking.json"];
const names = readdirSync(directory).filter((name) => name.endsWith(".json") && !examples.includes(name));
assert.ok(names.length >= 17);
for (const name of names) {
  test(`the trace ${name} is what this machine does`, () => {
    const trace = JSON.parse(readFileSync(new URL(name, directory), "utf8")) as Trace;
    const { user_id, watch, cursor, outbox } = trace.client;
    let state = begin(
      user_id,
      watch,
      cursor,
      outbox.map((draft) => ({ draft, failed: null })),
    );
    assert.deepEqual(account(state), trace.state);
    for (const [number, { event, actions, next }] of trace.steps.entries()) {
      const before = JSON.stringify(state);
      const [after, done] = step(state, event);
      assert.equal(JSON.stringify(state), before, "a step changes nothing of the state that it is given");
      assert.equal(done.length, actions.length, `step ${number}: ${JSON.stringify(done)}`);
      assert.deepEqual(projected(done, actions), actions, `step ${number}`);
      assert.deepEqual(account(after), next, `step ${number}`);
      state = after;
    }
  });
}
