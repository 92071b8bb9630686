import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../src/lib/scanned.js";

const digits = "1234567890".repeat(6);
const ours = `fluent-safety:1:${digits}`;

test("a code is the same only when all of it is", () => {
  assert.equal(judge(ours, ours), "same");
  for (const other of [ours.replace("12", "13"), ours.slice(0, -1), `${ours}0`, "fluent-safety:1:"]) {
    assert.equal(judge(other, ours), "differs", other);
  }
});

test("a code of something else, or of a version that this program does not know, says nothing of the keys", () => {
  for (const other of ["", "https://example.org/", digits, `fluent-safety:2:${digits}`, ` ${ours}`]) {
    assert.equal(judge(other, ours), "other", other);
  }
});
