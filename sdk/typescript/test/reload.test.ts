import assert from "node:assert/strict";
import { test } from "node:test";
import type { Api } from "../src/api.js";
import { reload } from "../src/client/reload.js";
import { type Store, type StoredMessage, memory } from "../src/index.js";
import type { Conversation, HistoryMessage } from "../src/wire.js";

const ME = 1;
const PARTNER = 2;

/** Every third message is the user's own. */
function message(id: number): HistoryMessage {
  const [sender_id, receiver_id] = id % 3 === 0 ? [ME, PARTNER] : [PARTNER, ME];
  const fields = { conversation_id: 4, content: "x", message_type: "text", timestamp: "2026-11-22T15:00:00.000000Z" };
  return { id, seq: id, sender_id, receiver_id, ...fields } as HistoryMessage;
}

/** A server with one conversation, oldest first; `onPage` is called before each page. */
function serverWith(ids: readonly number[], readUpTo: number, onPage: (pages: number) => Promise<void> | void) {
  const unread = ids.filter((id) => id % 3 !== 0 && id > readUpTo).length;
  const seq = ids.at(-1) ?? 0;
  const conversation = { conversation_id: 4, partner: { id: PARTNER }, unread, seq, read_up_to_id: readUpTo };
  let pages = 0;
  const api = {
    conversations: async (before?: number) => (before === undefined ? [conversation as unknown as Conversation] : []),
    messages: async (_: number, before = Infinity, limit = 0) => {
      await onPage(++pages);
      return ids
        .filter((id) => id < before)
        .reverse()
        .slice(0, limit)
        .map(message);
    },
  };
  return api as unknown as Api;
}

const idsIn = async (store: Store) => (await store.messages(PARTNER, undefined, Infinity)).map(({ id }) => id);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

async function load(store: Store, api: Api): Promise<number[]> {
  const news: StoredMessage[] = [];
  await reload({ api, store, me: ME, startSeq: 10_000, onNews: (some) => void news.push(...some) });
  return news.map(({ id }) => id);
}

test("what was fetched can be read before the next page is asked for", async () => {
  const store = memory();
  const before: number[] = [];
  const api = serverWith(upTo(450), 0, async () => void before.push((await idsIn(store)).length));
  await load(store, api);
  assert.deepEqual(before.slice(0, 5), [0, 100, 200, 300, 400]);
  assert.equal((await idsIn(store)).length, 450);
});

test("a new device has a page, and all that is not read", async () => {
  const [store, other] = [memory(), memory()];
  assert.deepEqual(
    await load(
      store,
      serverWith(upTo(450), 450, () => {}),
    ),
    [],
  );
  assert.equal((await idsIn(store)).length, 100);
  const news = await load(
    other,
    serverWith(upTo(450), 220, () => {}),
  );
  assert.deepEqual(
    news,
    upTo(450)
      .reverse()
      .filter((id) => id > 220 && id % 3 !== 0),
  );
});

test("what comes during a reload does not stand for what was not read before", async () => {
  const ids = upTo(120);
  const news = await load(
    memory(),
    serverWith(ids, 30, (pages) => void (pages === 1 && ids.push(...upTo(180).slice(120)))),
  );
  assert.deepEqual(
    news,
    upTo(180)
      .reverse()
      .filter((id) => id > 30 && id % 3 !== 0),
  );
});

test("a reload that was cut off goes on with what is not read, and tells each of that once", async () => {
  const store = memory();
  const isCut = (pages: number) => {
    if (pages === 3) throw new Error("cut off");
  };
  const news: StoredMessage[] = [];
  const parts = {
    store,
    me: ME,
    startSeq: 10_000,
    onNews: (some: readonly StoredMessage[]) => void news.push(...some),
  };
  await assert.rejects(reload({ ...parts, api: serverWith(upTo(450), 30, isCut) }), /cut off/);
  assert.equal((await idsIn(store)).length, 200);
  await reload({ ...parts, api: serverWith(upTo(450), 30, () => {}) });
  const wanted = upTo(450).filter((id) => id > 30 && id % 3 !== 0);
  assert.deepEqual(
    news.map(({ id }) => id),
    wanted.reverse(),
  );
  assert.deepEqual(await idsIn(store), upTo(450).reverse());
});

test("what was missed is news, also what was read or written elsewhere, and what is gone goes, on all pages", async () => {
  const store = memory();
  const all = upTo(450);
  await store.write(
    all.slice(0, 150).map((id) => ({ message: { ...message(id), partner_id: PARTNER } as StoredMessage })),
  );
  const left = all.filter((id) => ![7, 140, 333].includes(id));
  const news = await load(
    store,
    serverWith(left, 400, () => {}),
  );
  assert.deepEqual(news, left.filter((id) => id > 150).reverse());
  assert.deepEqual(await idsIn(store), left.reverse());
});
