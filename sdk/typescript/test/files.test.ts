import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { openContent, sealContent } from "../src/cipher/envelope.js";
import { rsa } from "../src/cipher/rsa.js";
import { FileKey, isCommitted, open, padded, parseFiles, seal } from "../src/files.js";
import { franked, unfranked } from "../src/files/franking.js";
import { largestWithin, sealedSize } from "../src/files/padding.js";
import { answered, beginUpload, cut, nextStep } from "../src/files/upload.js";

interface FileCase {
  encryption_key: string;
  size: number;
  padded: number;
  ciphertext_size: number;
  sha256: string;
  ciphertext?: string;
}

const vectors = JSON.parse(readFileSync(new URL("../../../../vectors/files.json", import.meta.url), "utf8")) as {
  files: FileCase[];
  padding: { size: number; limit: number; padded: number | null }[];
  contents: { content_key: string; plaintext: string; sealed: string }[];
  messages: {
    plaintext: string;
    files: number;
    text: string | null;
    committed: string | null;
    franking_tag?: string;
  }[];
};
const LIMIT = 104_857_600;
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
const content = (size: number) => Uint8Array.from({ length: size }, (_, at) => at % 251);

async function sealed(key: FileKey, plain: Uint8Array<ArrayBuffer>, limit: number) {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const made = await seal(key, new Blob([plain]), limit, async (part) => void parts.push(part));
  return { ...made, ciphertext: Buffer.concat(parts), give: async (index: number) => parts[index]! };
}

test("files are encrypted and decrypted as in the examples", async () => {
  assert.ok(vectors.files.length >= 7);
  for (const { encryption_key, size, padded: paddedTo, ciphertext_size: limit, sha256, ciphertext } of vectors.files) {
    const key = await FileKey.parse(encryption_key);
    assert.equal(key.text, encryption_key);
    assert.equal(padded(size, limit), paddedTo);
    const made = await sealed(key, content(size), limit);
    assert.deepEqual([made.size, made.sha256], [limit, sha256]);
    if (ciphertext !== undefined) assert.equal(made.ciphertext.toString("base64"), ciphertext);
    const opened = await open({ encryption_key, sha256, size }, limit, made.give);
    assert.deepEqual(new Uint8Array(await opened.arrayBuffer()), content(size));
  }
});

test("files are padded as in the examples", () => {
  assert.ok(vectors.padding.length >= 13);
  for (const { size, limit, padded: paddedTo } of vectors.padding) {
    assert.equal(padded(size, limit) ?? null, paddedTo, `${size} of ${limit}`);
  }
});

test("little is added, and the limit is kept", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 16, max: 2 ** 41 }), (size, limit) => {
      assert.ok(sealedSize(largestWithin(limit)) <= limit);
      const to = padded(size, limit);
      if (to === undefined) assert.ok(size > largestWithin(limit));
      else assert.ok(to >= size && (to <= 4096 || to <= size * 1.12) && sealedSize(to) <= limit);
    }),
  );
});

test("plaintexts are encrypted as in the examples", async () => {
  assert.ok(vectors.contents.length >= 3);
  for (const { content_key, plaintext, sealed: expected } of vectors.contents) {
    const made = await sealContent(bytes(content_key), new TextEncoder().encode(plaintext));
    assert.equal(Buffer.from(made).toString("base64"), expected);
    assert.equal(Buffer.from(await openContent(bytes(content_key), bytes(expected))).toString(), plaintext);
  }
});

test("messages are read and committed to as in the examples", async () => {
  assert.ok(vectors.messages.length >= 2);
  for (const { plaintext, files, text, committed, franking_tag } of vectors.messages) {
    const message = parseFiles(plaintext);
    assert.deepEqual([message?.files.length, message?.text], [files, text]);
    const found = unfranked(plaintext);
    assert.equal(found?.committed ?? null, committed);
    assert.ok(await isCommitted(plaintext, franking_tag));
    assert.ok(!(await isCommitted(plaintext, "A".repeat(43))));
    if (found) assert.deepEqual(await franked(found.committed, found.key), { plaintext, tag: franking_tag });
  }
  for (const bad of [
    "",
    "[]",
    "null",
    '{"v":2,"files":[]}',
    '{"v":1}',
    '{"v":1,"files":[{}]}',
    '{"v":1,"files":[null]}',
  ]) {
    assert.equal(parseFiles(bad), null, bad);
  }
});

test("what was changed, cut or described wrongly is refused", async () => {
  const key = await FileKey.random();
  const plain = content(150_000);
  const { ciphertext, size, sha256 } = await sealed(key, plain, LIMIT);
  const file = { encryption_key: key.text, sha256, size: plain.length };
  const refused = (entry: typeof file, sealed: Uint8Array<ArrayBuffer>) =>
    assert.rejects(
      open(entry, sealed.length, async () => sealed),
      { code: "file_damaged" },
    );
  for (const at of [0, 65_535, 65_536, size - 1]) {
    const changed = new Uint8Array(ciphertext);
    changed[at]! ^= 1;
    await refused(file, changed);
  }
  const whole = new Uint8Array(ciphertext);
  await refused(file, whole.slice(0, 131_072));
  await refused(
    file,
    new Uint8Array([...whole.slice(65_536, 131_072), ...whole.slice(0, 65_536), ...whole.slice(131_072)]),
  );
  await refused({ ...file, size: 1_000_000 }, whole);
  await refused({ ...file, sha256: "00".repeat(32) }, whole);
  await refused({ ...file, encryption_key: "?" }, whole);
  await refused({ ...file, encryption_key: (await FileKey.random()).text }, whole);
  await assert.rejects(sealed(key, plain, 1000), { code: "file_too_large" });
});

test("RSA carries a long plaintext to its side only", async () => {
  const kept = () => ({ load: async () => null, save: async () => {} });
  const [alice, bob] = [rsa(), rsa()];
  for (const cipher of [alice, bob]) {
    await cipher.open(kept());
    await cipher.makeKeys();
  }
  const text = "ä".repeat(3_000);
  const made = await alice.encrypt(text, { public_key: bob.publicKey()! }, "file");
  assert.equal(await bob.decrypt(made.receiver_encrypted, "file"), text);
  assert.equal(await alice.decrypt(made.sender_encrypted, "file"), text);
  const wrong = [made.sender_encrypted, "", "?", made.receiver_encrypted.slice(0, 400), btoa("x".repeat(300))];
  for (const content of wrong) assert.equal(await bob.decrypt(content, "file"), null);
  // Neither type is taken for the other.
  assert.equal(await bob.decrypt(made.receiver_encrypted, "text"), null);
  const short = await alice.encrypt("short", { public_key: bob.publicKey()! });
  assert.equal(await bob.decrypt(short.receiver_encrypted, "file"), null);
});

const ID = "AAAAAAAAAAAAAAAAAAAAAA";
const saved = { name: "name", size: 100, sha256: "00".repeat(32), id: null };

function declared() {
  const upload = beginUpload(saved);
  assert.deepEqual(nextStep(upload), { declare: saved });
  assert.equal(answered(upload, { status: 201, id: ID, offset: 0 }), null);
  assert.deepEqual(nextStep(upload), { append: ID, offset: 0 });
  return upload;
}

test("an upload goes on where the server is, also in another program", () => {
  const upload = declared();
  assert.equal(answered(upload, { status: 204, offset: 60 }), null);
  cut(upload);
  assert.deepEqual(nextStep(upload), { ask: ID });
  assert.equal(answered(upload, { status: 200, offset: 70 }), null);
  assert.equal(answered(upload, { status: 409, offset: 80 }), null);
  assert.deepEqual(nextStep(upload), { append: ID, offset: 80 });
  // A newer request has taken over.
  assert.ok(typeof answered(upload, { status: 409 }) === "object");
  const again = beginUpload({ ...saved, id: ID });
  assert.deepEqual(nextStep(again), { ask: ID });
  assert.equal(answered(again, { status: 200, offset: 100 }), null);
  assert.deepEqual(nextStep(again), { complete: ID });
});

test("an upload that is gone begins anew a few times", () => {
  const upload = declared();
  for (let times = 0; times < 3; times++) {
    assert.equal(answered(upload, { status: 404 }), null);
    assert.ok("declare" in nextStep(upload));
    answered(upload, { status: 201, id: ID, offset: 0 });
  }
  assert.equal(answered(upload, { status: 404 }), "refused");
});

test("what passes is waited for, and what stays ends an upload", () => {
  for (const status of [408, 423, 429, 460, 503, 507]) {
    const upload = declared();
    const pause = answered(upload, { status, retryAfterMs: 7_000 });
    assert.ok(pause !== null && pause !== "refused" && pause.at_least_ms >= 7_000, String(status));
    assert.deepEqual(nextStep(upload), { ask: ID });
  }
  for (const status of [400, 403, 413, 422]) assert.equal(answered(declared(), { status }), "refused");
  assert.equal(answered(beginUpload(saved), { status: 409 }), "refused", "the name is taken");
});
