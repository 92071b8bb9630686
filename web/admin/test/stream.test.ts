import assert from "node:assert/strict";
import { test } from "node:test";
import { History, minutes, summary, WINDOW_S } from "../src/lib/ring.js";
import { EventReader } from "../src/lib/sse.js";

const STREAM = 'retry: 2000\n\n: keep-alive\n\nevent: tick\nid: 7\ndata: {"a":1}\n\ndata: two\ndata: lines\r\n\r\nevent: bye\n\n';

test("a stream is the same however it is cut", () => {
  const expected = [
    { type: "tick", data: '{"a":1}', id: "7" },
    { type: "message", data: "two\nlines", id: null },
  ];
  assert.deepEqual(new EventReader().push(STREAM), expected);
  for (let size = 1; size < STREAM.length; size += 1) {
    const reader = new EventReader();
    const found = [];
    for (let at = 0; at < STREAM.length; at += size) found.push(...reader.push(STREAM.slice(at, at + size)));
    assert.deepEqual(found, expected, `pieces of ${size}`);
  }
});

test("a history keeps a quarter of an hour, and all its series have the same length", () => {
  const history = new History();
  history.fill(1_000, 1, { sockets: [1, 2, 3], "wait.registry": [5] });
  assert.deepEqual(history.times, [1_000, 1_001, 1_002]);
  assert.deepEqual(history.get("wait.registry"), [null, null, 5]);
  for (let at = 0; at < 2 * WINDOW_S; at += 1) history.add(1_003 + at, { sockets: at, late: at });
  assert.equal(history.times.length, WINDOW_S + 1);
  for (const name of ["sockets", "late", "wait.registry", "unknown"]) {
    assert.equal(history.get(name).length, history.times.length, name);
  }
  assert.equal(history.last("sockets"), 2 * WINDOW_S - 1);
  assert.equal(history.last("wait.registry"), null);
  history.add(1_004, { sockets: 0 });
  assert.equal(history.last("sockets"), 2 * WINDOW_S - 1, "a moment that is over is not added");
});

test("a table has a row a minute, with the means", () => {
  const times = [60, 61, 119, 120];
  assert.deepEqual(minutes(times, [[1, null, 3, 8], [null, null, null, 4]]), [
    { at: 120, values: [8, 4] },
    { at: 60, values: [2, null] },
  ]);
  assert.equal(summary([null, null]), null);
});
