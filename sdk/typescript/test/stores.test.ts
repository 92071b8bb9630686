import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Change, Position, StoredMessage } from "../src/store.js";
import { indexedDb } from "../src/store/indexeddb.js";
import { memory } from "../src/store/memory.js";
import { aesGcm, sealed } from "../src/store/sealed.js";

const message = fc
  .record({ id: fc.integer({ min: 1, max: 12 }), partner_id: fc.integer({ min: 1, max: 2 }) })
  .map(({ id, partner_id }): StoredMessage => {
    const timestamp = `2026-11-22T15:00:${String(id).padStart(2, "0")}.000000Z`;
    const numbers = { id, seq: id, conversation_id: 4, sender_id: 7, receiver_id: partner_id, partner_id };
    return { ...numbers, content: "x", message_type: "text", timestamp };
  });
const position = fc.record<Position>({
  conversation_id: fc.constant(4),
  user_id: fc.integer({ min: 1, max: 2 }),
  kind: fc.constantFrom("delivered", "read"),
  up_to_id: fc.nat(20),
});
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: message.map((message) => ({ message })) },
  fc.record({ text: fc.nat(12), value: fc.option(fc.string()) }),
  fc.record({ deleted: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ missing: fc.integer({ min: 1, max: 12 }) }),
  message.map(({ timestamp }) => ({ deleted_before: timestamp })),
  position.map((position) => ({ position })),
  fc.constant<Change>({ clear: true }),
  fc.string().map((value): Change => ({ meta: "cursor", value: `e:${value.length}` })),
);

const makeKey = () => crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);

test("both stores do the same, and a sealed one too", async () => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 8 }), async (writes) => {
      const [one, kept] = [memory(), indexedDb(`twin-${number++}`)];
      // A seal shows in nothing.
      const other = number % 2 === 0 ? kept : sealed(kept, aesGcm(await makeKey()));
      for (const changes of writes) assert.deepEqual(await one.write(changes), await other.write(changes));
      for (const partner of [1, 2]) {
        for (const [before, limit] of [
          [undefined, 100],
          [6, 2],
        ] as const) {
          assert.deepEqual(await one.messages(partner, before, limit), await other.messages(partner, before, limit));
        }
      }
      const key = (position: Position) => JSON.stringify(position);
      assert.deepEqual((await one.positions()).map(key).sort(), (await other.positions()).map(key).sort());
      assert.equal(await one.get("cursor"), await other.get("cursor"));
      other.close();
    }),
    { numRuns: 60 },
  );
});

test("a write that fails changes nothing", async () => {
  const store = indexedDb("whole");
  const unwritable = () => {};
  await assert.rejects(
    store.write([
      { meta: "cursor", value: "e:9" },
      { meta: "keys", value: unwritable },
    ]),
    { name: "DataCloneError" },
  );
  assert.equal(await store.get("cursor"), null);
  store.close();
});

test("a sealed store keeps nothing in the clear that a person wrote, no token and no key, and opens for its key alone", async () => {
  const kept = memory();
  const store = sealed(kept, aesGcm(await makeKey()));
  const word = "marker";
  const draft = {
    client_id: "c1",
    to: 8,
    receiver_encrypted: "x",
    sender_encrypted: "x",
    message_type: "text",
  };
  const tokens = { access_token: word, refresh_token: word, token_type: "Bearer" as const };
  const at = { conversation_id: 4, timestamp: "2026-11-22T15:00:00.000000Z", message_type: "text", content: "x" };
  const people = { sender_id: 7, receiver_id: 8, partner_id: 8 };
  await store.write([
    { meta: "tokens", value: tokens },
    { meta: "keys", value: word },
    { meta: "outbox", value: [{ draft, failed: null, text: word }] },
    { message: { id: 1, seq: 1, ...at, ...people, text: word } },
    { message: { id: 2, seq: 2, ...at, ...people } },
    { text: 2, value: word },
  ]);
  const everything = [
    await kept.get("tokens"),
    await kept.get("keys"),
    await kept.get("outbox"),
    await kept.messages(8, undefined, 9),
  ];
  assert.ok(!JSON.stringify(everything).includes(word));
  assert.deepEqual(await store.get("tokens"), tokens);
  assert.deepEqual(
    (await store.messages(8, undefined, 9)).map(({ text }) => text),
    [word, word],
  );
  await assert.rejects(sealed(kept, aesGcm(await makeKey())).get("keys"));
});
