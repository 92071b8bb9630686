import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type ShownMessage, memory, rsa } from "../../src/index.js";
import { Relay, Server, eventually, open, signUp } from "./server.js";

let server: Server;
before(async () => {
  server = await Server.start();
});
after(() => server.remove());

const idOf = async (client: Client) => (await client.api.profile()).id;

function collect(client: Client): ShownMessage[] {
  const messages: ShownMessage[] = [];
  client.on("message", (message) => messages.push(message));
  return messages;
}

test("a text arrives decrypted, and its sender learns that it was stored, delivered and read", async () => {
  const [alice, bob] = [await signUp(server.url, "alice"), await signUp(server.url, "bob")];
  const [toAlice, toBob] = [collect(alice), collect(bob)];
  const bobsId = await idOf(bob);
  const first = await alice.send(bobsId, "hello 👋");
  const [placed] = await first.stored;
  const shown = await eventually(() => toBob[0]);
  assert.deepEqual([shown.text, shown.id], ["hello 👋", placed?.id]);
  // Only partners are told.
  await (
    await bob.send(shown.sender_id, "hi")
  ).stored;
  await eventually(() => toAlice.find(({ text }) => text === "hi"));
  const second = await alice.send(bobsId, "how are you?");
  await second.delivered;
  await bob.read(await eventually(() => toBob.find(({ text }) => text === "how are you?")));
  await second.read;
  await first.read;
  for await (const page of alice.history(bobsId)) {
    assert.deepEqual(
      page.map(({ text }) => text),
      ["how are you?", "hi", "hello 👋"],
    );
  }
  await Promise.all([alice.close(), bob.close()]);
});

test("a long text is several messages, each between characters", async () => {
  const [carol, dave] = [await signUp(server.url, "carol"), await signUp(server.url, "dave")];
  const toDave = collect(dave);
  const text = "ü€😀".repeat(60);
  const sent = await carol.send(await idOf(dave), text);
  assert.equal(sent.clientIds.length, (await sent.stored).length);
  await eventually(() => toDave.length === sent.clientIds.length);
  assert.equal(toDave.map((message) => message.text).join(""), text);
  await Promise.all([carol.close(), dave.close()]);
});

test("a message is encrypted anew when the receiver has another key", async () => {
  const [erin, frank] = [await signUp(server.url, "erin"), await signUp(server.url, "frank")];
  const toFrank = collect(frank);
  const franksId = await idOf(frank);
  await (
    await erin.send(franksId, "with the old key")
  ).stored;
  await frank.replaceKey("correct horse battery staple");
  await (
    await erin.send(franksId, "with the new key")
  ).stored;
  await eventually(() => toFrank.find(({ text }) => text === "with the new key"));
  await Promise.all([erin.close(), frank.close()]);
});

test("a device without the account's key sends nothing, until the key is imported", async () => {
  const grace = await signUp(server.url, "grace");
  const keys = await grace.exportKeys();
  await (
    await grace.send(await idOf(grace), "a note")
  ).stored;
  const phone = await open(server.url);
  await phone.signIn({ username: "grace", password: "correct horse battery staple" });
  const graceId = await idOf(phone);
  assert.equal(await phone.hasKey(), false);
  await assert.rejects(phone.send(graceId, "x"), { name: "KeyMissing" });
  await phone.importKeys(keys);
  assert.equal(await phone.hasKey(), true);
  await eventually(async () => {
    for await (const page of phone.history(graceId)) return page[0]?.text === "a note";
    return false;
  });
  await Promise.all([grace.close(), phone.close()]);
});

test("eight calls with a spoilt token make one refresh", async () => {
  let refreshes = 0;
  const counting: typeof fetch = (input, init) => {
    if (String(input).endsWith("/auth/refresh")) refreshes++;
    return fetch(input, init);
  };
  const store = memory();
  const heidi = await signUp(server.url, "heidi", { store, fetch: counting });
  const tokens = await store.get("tokens");
  assert.ok(tokens);
  await store.write([{ meta: "tokens", value: { ...tokens, access_token: "spoilt" } }]);
  const profiles = await Promise.all(Array.from({ length: 8 }, () => heidi.api.profile()));
  assert.equal(new Set(profiles.map(({ id }) => id)).size, 1);
  assert.equal(refreshes, 1);
  await heidi.close();
});

test("nothing is lost or twice while the server is killed, connections are cut, and the sender crashes", async () => {
  const MESSAGES = Number(process.env["MESSAGES"] ?? 200);
  const relay = new Relay(server.port);
  const url = await relay.listen();
  const options = { store: memory(), cipher: rsa() };
  let ivan = await signUp(url, "ivan", options);
  const judy = await signUp(url, "judy");
  const toJudy = collect(judy);
  const judysId = await idOf(judy);
  await (
    await ivan.send(judysId, "0")
  ).stored;
  for (let number = 1; number < MESSAGES; number++) {
    await ivan.send(judysId, String(number));
    if (number % 20 === 7) relay.cut();
    if (number % 100 === 50) {
      await server.kill();
      await server.start();
    }
    if (number % 60 === 30) {
      // A crash: nothing of it is left but what is on disk.
      await ivan.close();
      ivan = await open(url, options);
      await eventually(() => ivan.state === "live");
    }
    // The network is back.
    for (const client of [ivan, judy]) client.wake();
  }
  const expected = Array.from({ length: MESSAGES }, (_, number) => String(number));
  await eventually(
    async () => {
      for (const client of [ivan, judy]) client.wake();
      return (await ivan.outbox()).length === 0 && toJudy.length >= MESSAGES;
    },
    async () => ({
      ivan: ivan.state,
      judy: judy.state,
      outbox: (await ivan.outbox()).length,
      missing: expected.filter((text) => !toJudy.some((message) => message.text === text)),
    }),
  );
  assert.deepEqual(
    toJudy.map(({ text }) => text),
    expected,
    "none lost, none twice, all in their order",
  );
  const seqs = toJudy.map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    [...seqs].sort((one, other) => one - other),
  );
  const history: (string | null)[] = [];
  for await (const page of ivan.history(judysId)) history.push(...page.map(({ text }) => text));
  assert.deepEqual(history.reverse(), expected);
  await Promise.all([ivan.close(), judy.close()]);
  relay.close();
});
