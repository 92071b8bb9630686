import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { type FileEntry, FILE, PART, Transfers, memoryFiles, parseFiles, writeFiles } from "../../src/files.js";
import { type Client, type ShownMessage } from "../../src/index.js";
import { Relay, Server, eventually, signUp } from "./server.js";

const MIB = 1_048_576;
const about = { file_name: "a photo.jpg", file_type: "image/jpeg" };

/** Sends what was uploaded, and returns it as the receiver reads it. */
async function deliver(from: Client, to: Client, name: string, file: FileEntry): Promise<FileEntry> {
  const came = new Promise<ShownMessage>((resolve) => to.on("message", resolve));
  const { plaintext, tag } = await writeFiles({ text: "look", files: [file] });
  const receiver = (await from.find(name))!;
  const fields = { message_type: FILE, attachment_ids: [file.id], franking_tag: tag };
  const draft = await from.draft(receiver.id, plaintext, fields);
  await from.post(draft, plaintext);
  // A crash before it is known to be in the outbox: once more, the same bytes are the same message.
  await (
    await from.post(draft, plaintext)
  ).stored;
  const message = await came;
  assert.equal(message.attachments?.[0]?.id, file.id);
  const said = parseFiles(message.text ?? "");
  assert.equal(said?.text, "look");
  return said!.files[0]!;
}

test("a file goes up over cuts and kill -9, and comes down with equal bytes, in any program", async (t) => {
  const server = await Server.start();
  const relay = new Relay(server.port);
  const url = await relay.listen();
  t.after(async () => {
    relay.close();
    await server.remove();
  });
  const [alice, bob] = [await signUp(url, "alice"), await signUp(server.url, "bob")];
  t.after(() => Promise.all([alice.close(), bob.close()]));
  const content = randomBytes(9 * MIB + 5);
  const [mine, theirs] = [memoryFiles(), memoryFiles()];
  const first = new Transfers(alice.api, mine);
  const prepared = await first.prepare("one-name", new Blob([content]), about, 104_857_600);
  assert.ok(!JSON.stringify(prepared.upload).includes(prepared.file.encryption_key));

  // The program ends in the middle; what it has kept is all that the next one has.
  let kept = prepared;
  const stop = new AbortController();
  const stopped = first.upload(prepared, async (outgoing) => void (kept = outgoing), {
    signal: stop.signal,
    onProgress: (done) => done > 3 * MIB && stop.abort(),
  });
  await assert.rejects(stopped, { name: "AbortError" });
  assert.notEqual(kept.upload.id, null);

  const second = new Transfers(alice.api, mine);
  let events = 0;
  const file = await second.upload(JSON.parse(JSON.stringify(kept)), async () => assert.fail("it is declared"), {
    onProgress: (done) => {
      assert.ok(events > 0 || done >= 3 * MIB, "what the server has is not sent again");
      events += 1;
      if (events === 2) relay.cut();
      if (events === 4) void server.kill().then(() => server.start());
      second.wake();
    },
  });
  const named = await deliver(alice, bob, "bob", file);
  await second.forget({ ...kept, file }, false);
  assert.deepEqual(await mine.names(), []);

  // The same with a download: one that is stopped has its parts for the next.
  const enough = new AbortController();
  const opened = new Transfers(bob.api, theirs).download(named, {
    signal: enough.signal,
    onProgress: (done) => done >= 4 * PART && enough.abort(),
  });
  await assert.rejects(opened, { name: "AbortError" });
  const before = await theirs.count(named.id);
  assert.ok(before >= 4);
  let firstSeen = 0;
  const blob = await new Transfers(bob.api, theirs).download(named, {
    onProgress: (done) => (firstSeen ||= done),
  });
  assert.ok(firstSeen >= before * PART, "what is here is not fetched again");
  assert.ok(Buffer.from(await blob.arrayBuffer()).equals(content));
  assert.deepEqual(await theirs.names(), []);

  // Gone for both: the file too.
  const sent = (await eventually(async () => (await bob.here((await bob.find("alice"))!.id, 1))[0]))!;
  await alice.delete(sent.id, "everyone");
  await assert.rejects(new Transfers(bob.api, theirs).download(named), { code: "file_gone" });
});

test("a file that is given up is gone from the server, and refusals have their names", async (t) => {
  const server = await Server.start();
  t.after(() => server.remove());
  const alice = await signUp(server.url, "alice");
  t.after(() => alice.close());
  const store = memoryFiles();
  const transfers = new Transfers(alice.api, store);
  const prepared = await transfers.prepare("given-up", new Blob(["some text"]), about, 104_857_600);
  let kept = prepared;
  const file = await transfers.upload(prepared, async (outgoing) => void (kept = outgoing));
  await transfers.forget(kept, true);
  assert.deepEqual(await store.names(), []);
  await assert.rejects(transfers.download(file), { code: "file_gone" });
  const other = await transfers.prepare("too-large", new Blob(["x"]), about, 104_857_600);
  const huge = { ...other, upload: { ...other.upload, size: 2 ** 40 } };
  await assert.rejects(
    transfers.upload(huge, async () => {}),
    { code: "too_large", status: 413 },
  );
  await assert.rejects(transfers.prepare("more", new Blob(["x".repeat(9)]), about, 20), { code: "file_too_large" });
});
