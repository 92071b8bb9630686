import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Overview } from "../src/data/types.js";
import { judge, type Recent } from "../src/lib/verdict.js";
import { overview } from "./overview.js";

const NOW = Date.parse("2026-11-28T06:00:00Z");
const QUIET: Recent = { sockets: 1_388, messages: 212, commitP99: 4, commitP99Mean: 4 };

test("when all is well one sentence says so, with the figures", () => {
  const verdict = judge(overview(), [], QUIET, NOW);
  assert.deepEqual(verdict, {
    is: "good",
    sentence: "All is well. 1,388 sockets, 212 messages a second, commits p99 4 ms.",
    findings: [],
  });
});

test("what keeps a server from being ready comes first, with its alert", () => {
  const problems = [{ name: "persistence", reason: "has worked on one message for 7.2 s", since: "2026-11-28T05:59:52Z" }];
  const verdict = judge(overview({ ready: false, problems, warnings: [{ name: "push", warning: "fcm fails" }] }), [], QUIET, NOW);
  assert.equal(verdict.is, "bad");
  assert.equal(verdict.sentence, "Not ready. The writer of the database: has worked on one message for 7.2 s.");
  assert.deepEqual(verdict.findings.map(({ alert }) => alert), ["FluentActorStuck", "FluentPushStalled"]);
});

test("numbers near their limits are warned of as the alerts do", () => {
  const seen = (changes: Partial<Overview>, recent = QUIET) =>
    judge(overview(changes), [], recent, NOW).findings.map(({ is, alert }) => `${is} ${alert}`);
  assert.deepEqual(seen({ fds: { open: 60_000, limit: 65_536 } }), ["warn FluentFilesHigh"]);
  assert.deepEqual(seen({ disks: [{ disk: "media", free_bytes: 9, size_bytes: 100, min_free_bytes: 1 }] }), ["warn FluentDiskSpace"]);
  assert.deepEqual(seen({}, { ...QUIET, commitP99Mean: 251 }), ["warn FluentCommitSlow"]);
  assert.deepEqual(seen({ passwords: { threads: 2, busy: 2, waiting: 9 } }), ["warn FluentLoginBusy"]);
  assert.deepEqual(seen({ connections: { open: 19_000, limit: 20_000 } }), ["warn null"]);
});

test("an actor that has failed is told for ten minutes", () => {
  const notice = (at: string) => [{ at, level: "error" as const, kind: "actor_restarted", text: "the writer has failed" }];
  const of = (at: string) => judge(overview(), notice(at), QUIET, NOW);
  assert.equal(of("2026-11-28T05:55:00Z").findings[0]?.alert, "FluentActorRestarts");
  assert.match(of("2026-11-28T05:55:00Z").sentence, /^Ready, but one thing wants a look\. 1,388 sockets/);
  assert.equal(of("2026-11-28T05:45:00Z").is, "good");
});

test("a server that drains is neither well nor broken", () => {
  assert.equal(judge(overview({ draining: true, ready: false }), [], QUIET, NOW).is, "warn");
});

test("every alert that the page names is in the runbook", () => {
  const runbook = readFileSync(new URL("../../../../docs/operations/alerts.md", import.meta.url), "utf8");
  const source = readFileSync(new URL("../../../admin/src/lib/verdict.ts", import.meta.url), "utf8");
  const named = new Set(source.match(/Fluent[A-Z]\w+/g));
  assert.ok(named.size >= 8);
  for (const alert of named) assert.match(runbook, new RegExp(`^## ${alert}$`, "m"));
});
