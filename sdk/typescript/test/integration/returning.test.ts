import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, memory, rsa } from "../../src/index.js";
import { Server, eventually, open, signUp } from "./server.js";

let server: Server;
before(async () => {
  server = await Server.start();
});
after(() => server.remove());

const idOf = async (client: Client) => (await client.api.profile()).id;

async function textsOf(client: Client, partner: number): Promise<(string | null)[]> {
  const texts: (string | null)[] = [];
  for await (const page of client.history(partner, 2)) texts.push(...page.map(({ text }) => text));
  return texts.reverse();
}

/** Two users, of whom bob has a store to come back with, and three messages of alice that he has. */
async function conversation(one: string, other: string) {
  const bobs = { store: memory(), cipher: rsa() };
  const [alice, bob] = [await signUp(server.url, one), await signUp(server.url, other, bobs)];
  const [alicesId, bobsId] = [await idOf(alice), await idOf(bob)];
  const seen: (string | null)[] = [];
  bob.on("message", ({ text }) => seen.push(text));
  const placed = [];
  for (const text of ["one", "two", "three"]) placed.push(...(await (await alice.send(bobsId, text)).stored));
  await eventually(() => seen.length === 3);
  return { alice, alicesId, bob, bobs, bobsId, placed };
}

test("what was missed comes when the device returns, and what was deleted meanwhile is gone", async () => {
  const { alice, alicesId, bob, bobs, bobsId, placed } = await conversation("alice", "bob");
  await bob.close();
  await alice.delete(placed[1]!.id, "everyone");
  await (
    await alice.send(bobsId, "four")
  ).stored;
  const again = await open(server.url, bobs);
  const seen: (string | null)[] = [];
  again.on("message", ({ text }) => seen.push(text));
  await eventually(() => seen.length > 0 && again.state === "live");
  assert.deepEqual(seen, ["four"]);
  assert.deepEqual(await textsOf(again, alicesId), ["one", "three", "four"]);
  await Promise.all([alice.close(), again.close()]);
});

test("a device whose cursor is of another store starts over, and shows what is new to it", async () => {
  const { alice, alicesId, bob, bobs, bobsId } = await conversation("carol", "dave");
  await bob.close();
  await (
    await alice.send(bobsId, "four")
  ).stored;
  await bobs.store.write([{ meta: "cursor", value: "elsewhere:5" }]);
  const again = await open(server.url, bobs);
  let reloads = 0;
  again.on("reloaded", () => reloads++);
  await eventually(() => again.state === "live" && reloads > 0);
  await eventually(async () => ((await bobs.store.get("cursor")) ?? "elsewhere").startsWith("elsewhere") === false);
  assert.deepEqual(await textsOf(again, alicesId), ["one", "two", "three", "four"]);
  assert.equal(reloads, 1);
  await Promise.all([alice.close(), again.close()]);
});

test("a device that has missed too much closes the gap by history, and shows each message once", async () => {
  const { alice, alicesId, bob, bobs, bobsId, placed } = await conversation("erin", "frank");
  await bob.close();
  await alice.delete(placed[0]!.id, "everyone");
  for (let number = 0; number < 5; number++) await (await alice.send(bobsId, `later ${number}`)).stored;
  // As after a `reset` for `expired`: the messages stay, the cursor is gone.
  await bobs.store.write([{ meta: "cursor", value: null }]);
  const again = await open(server.url, bobs);
  const seen: (string | null)[] = [];
  again.on("message", ({ text }) => seen.push(text));
  await eventually(() => seen.length >= 5);
  const later = ["later 0", "later 1", "later 2", "later 3", "later 4"];
  assert.deepEqual(seen, later);
  assert.deepEqual(await textsOf(again, alicesId), ["two", "three", ...later], "what history lacks is gone here too");
  await Promise.all([alice.close(), again.close()]);
});

test("a login that was ended elsewhere stops the client, which keeps its data", async () => {
  const { alice, alicesId, bob, bobs } = await conversation("grace", "heidi");
  const elsewhere = await open(server.url);
  await elsewhere.signIn({ username: "heidi", password: "correct horse battery staple" });
  for (const { id, current } of await elsewhere.api.sessions()) if (!current) await elsewhere.api.endSession(id);
  await eventually(() => typeof bob.state === "object" && "stopped" in bob.state);
  assert.deepEqual(bob.state, { stopped: { sign_in: "another device has signed this one out" } });
  assert.equal(await bobs.store.get("tokens"), null);
  assert.equal((await bobs.store.messages(alicesId, undefined, 9)).length, 3);
  await bob.signIn({ username: "heidi", password: "correct horse battery staple" });
  await eventually(() => bob.state === "live");
  await Promise.all([alice.close(), bob.close(), elsewhere.close()]);
});
