import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, count, figure, percent, relative, seconds, some, span, UNKNOWN } from "../src/lib/format.js";

test("numbers have as many digits as matter", () => {
  assert.equal(count(1_388), "1,388");
  assert.deepEqual([0.041, 0.5, 3.14159, 212.4].map(figure), ["0.04", "0.5", "3.1", "212"]);
  assert.deepEqual([0, 0.004, 0.4, 1].map(percent), ["0 %", "0.4 %", "40 %", "100 %"]);
  for (const write of [count, figure, bytes, percent, span]) {
    assert.equal(write(null), UNKNOWN);
    assert.equal(write(Number.NaN), UNKNOWN);
  }
});

test("sizes and spans have the largest unit that fits", () => {
  assert.deepEqual([0, 1_023, 1_024, 104_857_600, 3_221_225_472].map(bytes), ["0 B", "1,023 B", "1 KiB", "100 MiB", "3 GiB"]);
  assert.deepEqual([0, 0.2, 4, 999, 1_000, 1_234, 59_999, 60_000, 3_600_000, 172_800_000].map(span), [
    "0 ms",
    "0.2 ms",
    "4 ms",
    "999 ms",
    "1 s",
    "1.2 s",
    "1 min",
    "1 min",
    "1 h",
    "2 d",
  ]);
});

test("times are told from now", () => {
  const now = 1_800_000_000_000;
  assert.equal(relative(now - 12_000, now), "12 s ago");
  assert.equal(relative(now + 3 * 86_400_000, now), "in 3 d");
  assert.equal(relative(now + 1_500, now), "now");
});

test("nouns agree with their numbers", () => {
  assert.deepEqual([some(0, "socket"), some(1, "socket"), some(2, "query", "queries")], ["0 sockets", "1 socket", "2 queries"]);
});

test("spans of people are read", () => {
  assert.deepEqual(["90", "90s", "10m", "12h", "7d", "2w"].map(seconds), [90, 90, 600, 43_200, 604_800, 1_209_600]);
  for (const wrong of ["", "d", "7 days", "-1d", "1.5h", "1x"]) assert.equal(seconds(wrong), null, wrong);
});
