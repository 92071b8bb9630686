/** Whether all is well, in one sentence, and what to do when it is not. Pure. */
import type { Notice } from "../data/live.js";
import type { Overview } from "../data/types.js";
import { count, figure, percent, some, span } from "./format.js";

/** Something that is amiss. */
export interface Finding {
  is: "warn" | "bad";
  /** What, as a sentence. */
  what: string;
  since: string | null;
  /** The alert whose entry in the runbook says what to do; null when the sentence says it. */
  alert: string | null;
}

export interface Verdict {
  is: "good" | "warn" | "bad" | "wait";
  sentence: string;
  findings: Finding[];
}

/** Numbers that are newer than the overview, or summed up over minutes. */
export interface Recent {
  sockets: number | null;
  messages: number | null;
  commitP99: number | null;
  /** The mean of the slowest commits of the last five minutes. */
  commitP99Mean: number | null;
}

/** The thresholds of deploy/prometheus/alerts.yml. */
const COMMIT_SLOW_MS = 250;
const FILES_HIGH = 0.8;
const DISK_FREE = 0.1;
const RESTARTED_WITHIN_MS = 600_000;
/** Newcomers are refused when all places are taken; this is a word before. */
const CONNECTIONS_HIGH = 0.9;

const PROBLEMS: Record<string, [string, string | null]> = {
  registry: ["The registry of sessions", "FluentActorStuck"],
  persistence: ["The writer of the database", "FluentActorStuck"],
  relay: ["The relay between servers", "FluentActorStuck"],
  database: ["The database", "FluentNotReady"],
  disk: ["The disk", "FluentDiskSpace"],
  runtime: ["The runtime", "FluentActorStuck"],
  connections: ["The places for connections", "FluentNotReady"],
  fenced: ["This server", "FluentNotReady"],
};

const WARNINGS: Record<string, string> = {
  presence: "FluentActorStuck",
  janitor: "FluentActorStuck",
  who: "FluentActorStuck",
  push: "FluentPushStalled",
  media: "FluentDiskSpace",
  certificate: "FluentCertificateSoon",
};

/** Judges the server by its overview. */
export function judge(overview: Overview, notices: Notice[], recent: Recent, now: number): Verdict {
  if (overview.draining) {
    return { is: "warn", sentence: "Draining: phones are being sent away, and the server stops then.", findings: [] };
  }
  const findings = [...told(overview), ...seen(overview, recent), ...happened(notices, now)];
  const bad = findings.find(({ is }) => is === "bad");
  if (!overview.ready || bad) {
    const what = bad?.what ?? "A check fails.";
    return { is: "bad", sentence: overview.ready ? what : `Not ready. ${what}`, findings };
  }
  const figures = `${some(recent.sockets ?? total(overview), "socket")}, ${figure(recent.messages ?? overview.messages_per_s)} messages a second${commits(recent.commitP99 ?? overview.commit_p99_ms)}.`;
  if (findings.length > 0) {
    const many = findings.length === 1 ? "one thing wants" : `${count(findings.length)} things want`;
    return { is: "warn", sentence: `Ready, but ${many} a look. ${figures}`, findings };
  }
  return { is: "good", sentence: `All is well. ${figures}`, findings };
}

function commits(p99: number | null | undefined): string {
  return typeof p99 === "number" ? `, commits p99 ${span(p99)}` : "";
}

function total({ sockets }: Overview): number {
  return sockets.legacy + sockets.v1 + sockets.background;
}

/** What the server itself says. */
function told({ problems, warnings }: Overview): Finding[] {
  const bad = problems
    .filter(({ name }) => name !== "draining")
    .map(({ name, reason, since }): Finding => {
      const [subject, alert] = PROBLEMS[name] ?? [name, "FluentNotReady"];
      return { is: "bad", what: ended(`${subject}: ${reason}`), since: since ?? null, alert };
    });
  const warn = warnings.map(({ name, warning }): Finding => {
    const refused = name === "push" && /credential|config|refuse/i.test(warning);
    const alert = refused ? "FluentPushConfig" : (WARNINGS[name] ?? null);
    return { is: "warn", what: ended(`${name.charAt(0).toUpperCase()}${name.slice(1)}: ${warning}`), since: null, alert };
  });
  return [...bad, ...warn];
}

/** What the numbers say. */
function seen({ fds, disks, connections, passwords }: Overview, { commitP99Mean }: Recent): Finding[] {
  const findings: Finding[] = [];
  const warn = (what: string, alert: string | null) => findings.push({ is: "warn", what, since: null, alert });
  if (commitP99Mean !== null && commitP99Mean > COMMIT_SLOW_MS) {
    warn(`Commits have taken ${span(commitP99Mean)} (p99) over the last five minutes.`, "FluentCommitSlow");
  }
  if (fds.open && fds.limit && fds.open / fds.limit > FILES_HIGH) {
    warn(`${percent(fds.open / fds.limit)} of the files that may be open are open.`, "FluentFilesHigh");
  }
  for (const { disk, free_bytes, size_bytes } of disks) {
    if (size_bytes > 0 && free_bytes / size_bytes < DISK_FREE) {
      warn(`The ${disk} disk has only ${percent(free_bytes / size_bytes)} free.`, "FluentDiskSpace");
    }
  }
  if (connections.limit > 0 && connections.open / connections.limit > CONNECTIONS_HIGH) {
    const taken = percent(connections.open / connections.limit);
    warn(`${taken} of the places for connections are taken: raise server.max_connections, or find who holds them.`, null);
  }
  if (passwords.waiting > passwords.threads * 4) {
    warn(`${some(passwords.waiting, "login")} wait for a thread that hashes passwords.`, "FluentLoginBusy");
  }
  return findings;
}

/** What has happened of late. */
function happened(notices: Notice[], now: number): Finding[] {
  const restarted = notices.find(
    ({ kind, at }) => kind === "actor_restarted" && now - Date.parse(at) < RESTARTED_WITHIN_MS,
  );
  if (!restarted) return [];
  return [{ is: "warn", what: ended(restarted.text), since: restarted.at, alert: "FluentActorRestarts" }];
}

function ended(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
