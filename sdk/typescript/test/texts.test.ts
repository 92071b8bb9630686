import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cipher } from "../src/cipher.js";
import { Texts } from "../src/client/texts.js";
import { type StoredMessage, memory } from "../src/index.js";

const message = (id: number): StoredMessage => ({
  id,
  seq: id,
  conversation_id: 1,
  partner_id: 2,
  sender_id: 2,
  receiver_id: 1,
  content: String(id),
  message_type: "text",
  timestamp: "2026-11-22T12:00:00.000000Z",
});
const turn = () => new Promise((resolve) => setTimeout(resolve, 20));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => message(from + index));

/** A queue in front of a cipher that notes what it is given, and reads nothing that is a multiple of ten. */
async function world(count: number) {
  const decrypted: number[] = [];
  const decrypt = async (content: string) => {
    decrypted.push(Number(content));
    return content.endsWith("0") ? null : `says ${content}`;
  };
  const store = memory();
  await store.write(range(1, count + 1).map((message) => ({ message })));
  let writes = 0;
  const counting = {
    ...store,
    write: (...changes: Parameters<typeof store.write>) => (writes++, store.write(...changes)),
  };
  const texts = new Texts({ messageTypes: ["text"], decrypt } as unknown as Cipher, counting);
  return { texts, store, decrypted, writes: () => writes };
}

test("what somebody waits for is decrypted before everything else, in the middle of it", async () => {
  const { texts, decrypted } = await world(100);
  const later = texts.decryptLater(range(1, 51));
  const wanted = texts.decrypt(range(90, 94));
  assert.deepEqual(
    (await wanted).map(({ text }) => text),
    [null, "says 91", "says 92", "says 93"],
  );
  assert.ok(decrypted.length < 10, String(decrypted));
  assert.equal((await later).length, 50);
});

test("what is decrypted is kept by one write for all", async () => {
  const { texts, store, decrypted, writes } = await world(100);
  await texts.decrypt(range(1, 100));
  await turn();
  assert.equal(decrypted.length, 99);
  assert.ok(writes() === 1, String(writes()));
  assert.equal((await store.message(7))?.text, "says 7");
  assert.equal((await store.message(10))?.text, undefined, "what cannot be read is tried again");
});

test("when it ends nobody waits for ever, and nothing more is decrypted", async () => {
  const { texts, decrypted } = await world(100);
  const later = texts.decryptLater(range(1, 100));
  await texts.decrypt(range(1, 5));
  texts.isOver = true;
  assert.ok((await later).length < 99);
  const before = decrypted.length;
  assert.deepEqual(await texts.decrypt(range(1, 100)), []);
  await turn();
  assert.ok(decrypted.length <= before + 1);
});

test("what nobody waits for is kept before more of that is decrypted: a store reads behind all writes", async () => {
  const { texts, store, decrypted } = await world(100);
  const held: (() => void)[] = [];
  const { write } = store;
  texts.store.write = async (changes) => {
    await new Promise<void>((resolve) => held.push(resolve));
    return write(changes);
  };
  const later = [texts.decryptLater(range(1, 5)), texts.decryptLater(range(5, 9))];
  await turn();
  assert.deepEqual(decrypted, [1, 2, 3, 4]);
  assert.equal((await texts.decrypt(range(51, 53))).length, 2);
  for (let waiting = 0; waiting < 3; waiting++) {
    held[waiting]?.();
    await turn();
  }
  assert.deepEqual(decrypted, [1, 2, 3, 4, 51, 52, 5, 6, 7, 8]);
  assert.equal((await Promise.all(later)).flat().length, 8);
});
