// What docs/operations/drills.md says of the page is what the page says of the overview that is printed there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Notice } from "../src/data/live.js";
import type { Overview } from "../src/data/types.js";
import { judge } from "../src/lib/verdict.js";
import { overview } from "./overview.js";

const COLUMNS = 10;

/** Returns what each surface has said in a block. */
function surfaces(block: string): Map<string, string> {
  const said = new Map<string, string>();
  let name = "";
  for (const line of block.split("\n")) {
    const text = line.slice(COLUMNS);
    const label = line.slice(0, COLUMNS).trim();
    name = label === "" ? name : label;
    const before = label === "" ? said.get(name) : undefined;
    // A line is cut behind a comma or a space.
    said.set(name, before === undefined ? text : `${before}${before.endsWith(",") ? "" : " "}${text}`);
  }
  return said;
}

const plain = (text: string) => text.replaceAll(/\d+(\.\d+)?/g, "#").replaceAll(/\s+/g, " ").toLowerCase();

const document = readFileSync(new URL("../docs/operations/drills.md", `file://${process.cwd()}/`), "utf8");

for (const section of document.split("\n## ").slice(1)) {
  const title = section.split("\n", 1)[0] ?? "";
  test(`the page says of the drill "${title}" what the document prints`, () => {
    const block = /```text\n([^]*?)```/.exec(section)?.[1] ?? "";
    const said = surfaces(block);
    const seen = JSON.parse(said.get("overview") ?? "") as Partial<Overview>;
    const notice = said.get("notice");
    const notices = notice === undefined ? [] : [JSON.parse(notice) as Notice];
    const now = Date.parse(notices[0]?.at ?? "2026-11-28T06:00:00Z") + 1_000;
    const slowest = seen.commit_p99_ms ?? 4;
    const verdict = judge(overview(seen), notices, { sockets: 1, messages: 1, commitP99: slowest, commitP99Mean: slowest }, now);
    const page = section.slice(section.indexOf("The page:"));
    const [first, second] = [...page.matchAll(/\*([^*]+)\*/g)].map(([, text]) => plain(text ?? ""));
    assert.ok(plain(verdict.sentence).startsWith(first ?? "?"), `${verdict.sentence} is not ${first}`);
    if (second !== undefined) assert.equal(plain(verdict.findings[0]?.what ?? ""), second);
    assert.equal(verdict.findings[0]?.alert, /\[(Fluent\w+)\]/.exec(page)?.[1]);
  });
}
