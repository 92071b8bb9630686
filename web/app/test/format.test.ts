import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, clock, day, hue, initial, line, links } from "../src/lib/format.js";
import { parseRoute, pathOf } from "../src/lib/routes.js";

const words = { locale: "en-GB", today: "Today", yesterday: "Yesterday" };
const at = (days: number, hours = 12) => new Date(2026, 10, 22 + days, hours, 5).getTime();
const now = at(0, 0.5);

test("days are told by distance: today, yesterday, a weekday, a date", () => {
  assert.deepEqual(
    [0, -1, -3, -30, -400].map((days) => day(at(days), now, words)),
    ["Today", "Yesterday", "Thursday", "23 October", "18 October 2025"],
  );
  assert.deepEqual(
    [0, -1, -3, -30].map((days) => brief(at(days), now, words)),
    ["12:05", "Yesterday", "Thu", "23 Oct"],
  );
  assert.equal(clock(at(0), words), "12:05");
});

test("what looks like an address becomes one, and nothing else does", () => {
  const hrefs = (text: string) => links(text).flatMap(({ href }) => href ?? []);
  assert.deepEqual(hrefs("see https://example.org/a?b=c. And (http://x.org)!"), [
    "https://example.org/a?b=c",
    "http://x.org",
  ]);
  for (const text of ["javascript:alert(1)", "<img src=x onerror=alert(1)>", "data:text/html,x", "http://"]) {
    assert.deepEqual(hrefs(text), [], text);
  }
  const text = "a https://example.org/x) b\nhttps://y.org";
  assert.equal(
    links(text)
      .map((piece) => piece.text)
      .join(""),
    text,
  );
});

test("names have a letter and a colour, whatever they are made of", () => {
  assert.deepEqual(["alice", "émile", "🎉x", "--"].map(initial), ["A", "É", "X", "?"]);
  for (const name of ["", "a", "名前"]) assert.ok(hue(name, 8) >= 0 && hue(name, 8) < 8);
  assert.equal(line("a\n  b\tc "), "a b c");
});

test("every screen has an address that leads back to it, also for strange names", () => {
  for (const name of ["bob", "a/b c", "100%", "名前", "x#y?z", "alice@example.org"]) {
    for (const at of ["chat", "person"] as const) assert.deepEqual(parseRoute(pathOf({ at, name })), { at, name });
  }
  for (const at of ["home", "settings", "devices", "security"] as const) {
    assert.deepEqual(parseRoute(pathOf({ at })), { at });
  }
  assert.deepEqual(parseRoute("#/with/bob/12"), { at: "chat", name: "bob", message: 12 });
  for (const hash of ["", "#", "#/with", "#/with/%E0%A4%A", "#demo=x", "#/no"]) {
    assert.deepEqual(parseRoute(hash), { at: "home" });
  }
});
