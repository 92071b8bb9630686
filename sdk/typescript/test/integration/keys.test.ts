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

test("a message written without a server is sent when there is one again, also by a program that was closed", async () => {
  const parts = { store: memory(), cipher: rsa() };
  const [alice, bob] = [await signUp(server.url, "alice", parts), await signUp(server.url, "bob")];
  const bobsId = await idOf(bob);
  const texts: (string | null)[] = [];
  bob.on("message", ({ text }) => texts.push(text));
  await (
    await alice.send(bobsId, "before")
  ).stored;
  await alice.conversations();
  await alice.close();
  await server.kill();
  const offline = await open(server.url, parts);
  assert.equal(await offline.hasKey(), true);
  await offline.send(bobsId, "meanwhile");
  await offline.close();
  await server.start();
  const again = await open(server.url, parts);
  await eventually(() => texts.includes("meanwhile"));
  assert.deepEqual(texts, ["before", "meanwhile"]);
  await Promise.all([again.close(), bob.close()]);
});

test("nothing is encrypted with a key that is not trusted, and what fails may be discarded", async () => {
  const trusted = new Set<string>();
  const trusts = ({ key_id }: { key_id: string }) => trusted.has(key_id);
  const carol = await signUp(server.url, "carol", { trusts });
  const dave = await signUp(server.url, "dave");
  const { id: davesId, key_id } = await dave.api.profile();
  await assert.rejects(carol.send(davesId, "no"), { name: "KeyNotTrusted" });
  trusted.add(key_id);
  await (
    await carol.send(davesId, "yes")
  ).stored;
  // The server says so of a message that is on its way: it is not encrypted anew without a word.
  carol.suspend();
  await dave.replaceKey("correct horse battery staple");
  const late = await carol.send(davesId, "to the old key");
  carol.wake();
  await assert.rejects(late.stored, { name: "SendError", code: "key_not_trusted" });
  const [failed] = await carol.outbox();
  assert.equal(failed?.failed, "key_not_trusted");
  await carol.discard(failed.draft.client_id);
  assert.deepEqual(await carol.outbox(), []);
  await Promise.all([carol.close(), dave.close()]);
});
