import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** What a page loads beside the client itself, and under which licence. */
const ALLOWED = {
  "node_modules/@noble/hashes": "MIT",
  "node_modules/idb": "ISC",
  "node_modules/micro-rsa-dsa-dh": "MIT",
};

test("nothing is loaded but what is allowed by name", () => {
  const lock = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as {
    packages: Record<string, { dev?: boolean; license?: string }>;
  };
  const loaded = Object.entries(lock.packages).filter(([name, { dev }]) => name !== "" && !dev);
  assert.deepEqual(Object.fromEntries(loaded.map(([name, { license }]) => [name, license])), ALLOWED);
});
