import assert from "node:assert/strict";
import { constants, createPrivateKey, createPublicKey, privateDecrypt, publicEncrypt } from "node:crypto";
import { test } from "node:test";
import { rsa } from "../src/cipher/rsa.js";

const kept = () => {
  let keys: unknown = null;
  return { load: async () => keys, save: async (value: unknown) => void (keys = value) };
};

async function withKeys() {
  const cipher = rsa();
  await cipher.open(kept());
  await cipher.makeKeys();
  return cipher;
}

const fromBase64 = (text: string) => Buffer.from(text, "base64");
const TEXTS = ["hello", "", "grüß dich 👋🏽", "a".repeat(245)];

test("what it writes is read by OpenSSL, and the other way round", async () => {
  const [own, other] = [await withKeys(), await withKeys()];
  const padding = constants.RSA_PKCS1_PADDING;
  const theirs = createPrivateKey(await other.exportKeys());
  for (const text of TEXTS) {
    const { receiver_encrypted, sender_encrypted } = await own.encrypt(text, { public_key: other.publicKey()! });
    // Node decrypts this padding no more, which would be an oracle here: the block itself is looked at (RFC 8017, 7.2).
    const block = privateDecrypt({ key: theirs, padding: constants.RSA_NO_PADDING }, fromBase64(receiver_encrypted));
    assert.deepEqual([...block.subarray(0, 2)], [0, 2]);
    const end = block.indexOf(0, 2);
    assert.ok(end >= 10);
    assert.equal(block.subarray(end + 1).toString(), text);
    assert.equal(await own.decrypt(sender_encrypted), text);
    const key = createPublicKey({ key: fromBase64(own.publicKey()!), format: "der", type: "spki" });
    const written = publicEncrypt({ key, padding }, Buffer.from(text)).toString("base64");
    assert.equal(await own.decrypt(written), text);
  }
});

test("a long text is cut between words where that is possible, and nothing of it is lost", () => {
  const { split } = rsa();
  const cut = split("Sieben Äpfel und ein Löffel Öl 🎉 ".repeat(20));
  assert.ok(cut.length > 2);
  for (const piece of cut.slice(0, -1)) assert.match(piece, /\s$/);
  // A word that is too long for a message is cut where it must be.
  assert.deepEqual(split(`so ${"a".repeat(300)} b`), ["so ", "a".repeat(245), `${"a".repeat(55)} b`]);
  // What is left behind the last blank may have no room for the next character either.
  assert.deepEqual(split(` ${"a".repeat(244)}🎉`), [" ", "a".repeat(244), "🎉"]);
});

test("each of many messages is decrypted, whatever blinding it meets", async () => {
  const own = await withKeys();
  for (let number = 0; number < 70; number++) {
    const { sender_encrypted } = await own.encrypt(`number ${number}`, { public_key: own.publicKey()! });
    assert.equal(await own.decrypt(sender_encrypted), `number ${number}`);
  }
});

test("every failure is the same nothing", async () => {
  const [own, other] = [await withKeys(), await withKeys()];
  const { receiver_encrypted } = await own.encrypt("x", { public_key: other.publicKey()! });
  for (const content of [
    receiver_encrypted,
    "",
    "no base64!",
    btoa("short"),
    btoa("\xff".repeat(256)),
    btoa("\0".repeat(256)),
    `AAAA${"B".repeat(344)}`,
  ]) {
    assert.equal(await own.decrypt(content), null);
  }
  const withoutKeys = rsa();
  await withoutKeys.open(kept());
  assert.equal(await withoutKeys.decrypt(receiver_encrypted), null);
});

test("keys come back from where they are kept, and from a file", async () => {
  const store = kept();
  const first = rsa();
  await first.open(store);
  await first.makeKeys();
  const again = rsa();
  await again.open(store);
  assert.equal(again.publicKey(), first.publicKey());
  const elsewhere = await withKeys();
  await elsewhere.importKeys(await first.exportKeys());
  assert.equal(elsewhere.publicKey(), first.publicKey());
  await assert.rejects(elsewhere.importKeys("no key"));
});
