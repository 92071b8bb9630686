import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { isLockedKeyFile, lockKeyFile, openKeyFile } from "../src/worker/keyfile.js";
import { fingerprint, safetyNumber } from "../src/worker/safety.js";

const PEM = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

test("a key file opens with its passphrase alone, and says nothing without it", async () => {
  const file = await lockKeyFile(PEM, "correct horse");
  assert.ok(isLockedKeyFile(file) && !file.includes("AAAA\\n"));
  assert.equal(await openKeyFile(file, "correct horse"), PEM);
  await assert.rejects(openKeyFile(file, "wrong horse"), { name: "WrongPassphrase" });
  await assert.rejects(openKeyFile("{}", "x"), { name: "WrongPassphrase" });
  await assert.rejects(openKeyFile("{ not JSON", "x"), { name: "WrongPassphrase" });
  const greedy = JSON.stringify({ ...(JSON.parse(file) as object), m: 2 ** 31 });
  await assert.rejects(openKeyFile(greedy, "correct horse"), { name: "WrongPassphrase" });
  assert.equal(await openKeyFile(PEM, null), PEM);
});

/** The thirty digits of a user, by another program's hash. */
function digitsOf(id: number, key: string): string {
  const sha512 = (...parts: Buffer[]) => createHash("sha512").update(Buffer.concat(parts)).digest();
  const bytes = Buffer.from(key, "base64");
  let hash = sha512(Buffer.from([0, 1]), bytes, Buffer.from(String(id)));
  for (let round = 0; round < 5200; round++) hash = sha512(hash, bytes);
  const groups = [0, 5, 10, 15, 20, 25].map((at) => String(hash.readUIntBE(at, 5) % 100_000).padStart(5, "0"));
  return groups.join("");
}

test("both sides see the same safety number, and another key makes another", async () => {
  const [alice, bob] = [
    { id: 7, public_key: "QUFB" },
    { id: 12, public_key: "QkJC" },
  ];
  const number = await safetyNumber(alice, bob);
  assert.deepEqual(number, await safetyNumber(bob, alice));
  assert.equal(number.join(""), [digitsOf(7, "QUFB"), digitsOf(12, "QkJC")].sort().join(""));
  assert.equal(number.length, 12);
  assert.notDeepEqual(number, await safetyNumber(alice, { ...bob, public_key: "QkJD" }));
  assert.notDeepEqual(number, await safetyNumber(alice, { ...bob, id: 13 }));
});

test("a key is remembered by all of its text", async () => {
  assert.equal(await fingerprint("QUFB"), createHash("sha256").update("QUFB").digest("hex"));
});
