import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { draw, nextPause } from "../src/backoff.js";
import { rsa } from "../src/cipher/rsa.js";
import { cursorAt, epochOf, isCursor, seqOf } from "../src/cursor.js";
import { makeOutbox, push, takeNext } from "../src/outbox.js";
import { uuidv7 } from "../src/uuid.js";
import { parse } from "../src/wire.js";

test("a cursor is its epoch and its number", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (epoch, seq) => {
      const cursor = cursorAt(epoch, seq);
      assert.deepEqual([epochOf(cursor), seqOf(cursor), isCursor(cursor)], [epoch, seq, true]);
    }),
  );
  for (const text of ["", "812", "k3f9:", "k3f9:-1", "k3f9:99999999999999999"])
    assert.equal(isCursor(text), false, text);
});

test("a wait is below its bound, which doubles to 60 s, and to 4 s for five tries of a restart", () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 31),
      fc.boolean(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempts, isRestart, random) => {
        const backoff = { attempts };
        const pause = nextPause(backoff, isRestart);
        const max = isRestart && attempts < 5 ? 4_000 : 60_000;
        assert.equal(pause.spread_ms, Math.min(1000 * 2 ** Math.min(attempts, 40), max));
        assert.ok(draw(pause, random) >= 0 && draw(pause, random) < max);
        assert.equal(backoff.attempts, attempts + 1);
      },
    ),
  );
});

test("no value that arrives as a frame makes the reader throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.json(), fc.string()), (received) => {
      const incoming = parse(received);
      assert.ok(incoming === undefined || incoming.seq === undefined || Number.isSafeInteger(incoming.seq));
    }),
  );
  // What every object has is no type of frame.
  assert.deepEqual(parse({ type: "constructor", seq: 8 }), { seq: 8, frame: undefined });
});

test("a text is cut between characters into pieces of at most 245 bytes", () => {
  const { split } = rsa();
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 600 }), (text) => {
      const pieces = split(text);
      assert.equal(pieces.join(""), text);
      for (const piece of pieces) {
        assert.ok(piece !== "" && new TextEncoder().encode(piece).length <= 245);
        assert.ok(piece.isWellFormed());
      }
    }),
  );
});

test("the outbox sends no more than the server allows, and to each receiver in the order of writing", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 80 }), fc.integer({ min: -2, max: 70 }), (receivers, allowed) => {
      const outbox = makeOutbox([]);
      outbox.in_flight = allowed;
      for (const [number, to] of receivers.entries()) {
        const copies = { receiver_encrypted: "r", sender_encrypted: "s", message_type: "text" };
        push(outbox, { client_id: String(number), to, ...copies, receiver_key_id: number % 7 ? "a" : "b" });
      }
      const sent = [];
      for (let draft = takeNext(outbox); draft; draft = takeNext(outbox)) sent.push(draft);
      assert.ok(sent.length <= Math.min(Math.max(allowed, 1), 32));
      const numbers = sent.map(({ client_id }) => Number(client_id));
      assert.deepEqual(
        numbers,
        [...numbers].sort((one, other) => one - other),
      );
      for (const to of new Set(receivers)) {
        const keys = new Set(sent.filter((draft) => draft.to === to).map((draft) => draft.receiver_key_id));
        assert.ok(keys.size <= 1, "two keys of one receiver are not on their way at once");
      }
    }),
  );
});

test("names of messages are UUIDs of version 7, in the order of time", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 47), fc.nat(1000), (time, later) => {
      const [one, other] = [uuidv7(time), uuidv7(time + later + 1)];
      assert.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.ok(one < other);
    }),
  );
});
