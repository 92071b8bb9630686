/** What happens now: whether all is well, and how the last quarter of an hour was. */
import type { JSX } from "preact";
import { beat, connection, history, notices, overview } from "../data/live.js";
import { now } from "../data/look.js";
import { bytes, count, figure, span } from "../lib/format.js";
import { summary } from "../lib/ring.js";
import { judge, type Verdict } from "../lib/verdict.js";
import { Chart } from "../parts/chart.js";
import { Icon } from "../parts/icon.js";
import { Meter } from "../parts/meter.js";
import { Panel, Skeleton } from "../parts/parts.js";
import type { Line } from "../parts/plot.js";
import { Time } from "../parts/time.js";
import type { Overview } from "../data/types.js";
import { Runbook } from "./runbook.js";

/** Seconds of history by which slow commits are judged, as by the alert. */
const JUDGED_S = 300;

const CHARTS: [string, Line[]][] = [
  ["Sockets", [{ key: "sockets", label: "open", style: "first", write: count }]],
  ["Messages", [{ key: "messages_per_s", label: "a second", style: "first", write: figure }]],
  [
    "Commits",
    [
      { key: "commit_p50_ms", label: "p50", style: "first", write: span },
      { key: "commit_p99_ms", label: "p99", style: "second", write: span },
    ],
  ],
  [
    "Waits in mailboxes, p99",
    [
      { key: "mailbox_wait_p99_ms.persistence", label: "writer", style: "first", write: span },
      { key: "mailbox_wait_p99_ms.registry", label: "registry", style: "second", write: span },
      { key: "mailbox_wait_p99_ms.session", label: "sessions", style: "third", write: span },
    ],
  ],
  [
    "CPU and memory",
    [
      { key: "cpu_cores", label: "cores", style: "first", write: figure },
      { key: "rss_bytes", label: "memory", style: "second", write: bytes, isRight: true },
    ],
  ],
  ["Refusals", [{ key: "refused_per_s", label: "a second", style: "first", write: figure }]],
];

export function Now(): JSX.Element {
  const server = overview.value;
  return (
    <>
      <h1 tabIndex={-1} class="unseen">
        Now
      </h1>
      {server ? <Judgement server={server} /> : <Waiting />}
      <div class="charts">
        {CHARTS.map(([title, lines], turn) => (
          <Chart key={title} title={title} lines={lines} turn={turn} />
        ))}
      </div>
      {server && <Limits server={server} />}
      <Happened />
    </>
  );
}

function Waiting(): JSX.Element {
  if (connection.value.kind === "connecting") return <Skeleton />;
  return <p class="empty">Nothing is known of the server yet.</p>;
}

function Judgement({ server }: { server: Overview }): JSX.Element {
  // Read so that the sentence has the newest figures.
  void beat.value;
  const verdict = judge(
    server,
    notices.value,
    {
      sockets: history.last("sockets"),
      messages: history.last("messages_per_s"),
      commitP99: history.last("commit_p99_ms"),
      commitP99Mean: summary(history.get("commit_p99_ms").slice(-JUDGED_S))?.mean ?? null,
    },
    now.value,
  );
  return (
    <section class={`verdict ${verdict.is}`} aria-label="Is all well?">
      <Icon name={verdict.is} />
      <div>
        <p class="sentence">{verdict.sentence}</p>
        <p class="soft">
          {server.node}, started <Time at={server.started_at} />
          {server.restarts > 0 ? `, ${count(server.restarts)} restarts of actors` : ", no actor has failed"}
        </p>
        <Findings of={verdict} />
      </div>
    </section>
  );
}

function Findings({ of }: { of: Verdict }): JSX.Element | null {
  if (of.findings.length === 0) return null;
  return (
    <ul class="findings">
      {of.findings.map(({ is, what, since, alert }) => (
        <li key={what}>
          <p>
            <Icon name={is} /> {what} {since && <Time at={since} />}
          </p>
          {alert && <Runbook alert={alert} isOpen={is === "bad"} />}
        </li>
      ))}
    </ul>
  );
}

function Limits({ server }: { server: Overview }): JSX.Element {
  const { fds, connections, disks, database, passwords } = server;
  return (
    <Panel title="Limits" about="What can run out, and how far away that is.">
      <div class="meters">
        <Meter label="Connections" used={connections.open} limit={connections.limit} write={count} />
        <Meter label="Open files" used={fds.open} limit={fds.limit} write={count} />
        <Meter label="Cores" used={server.cpu_cores} limit={server.cpus} write={figure} />
        {disks.map(({ disk, free_bytes, size_bytes }) => (
          <Meter
            key={disk}
            label={disk === "store" ? "Disk of the store" : `Disk of ${disk}`}
            used={size_bytes - free_bytes}
            limit={size_bytes}
            write={bytes}
          />
        ))}
        {Object.entries(database.pool).map(([pool, { busy, max, waiting }]) => (
          <Meter
            key={pool}
            label={`Database: ${pool}`}
            used={busy}
            limit={max}
            write={count}
            note={waiting ? `busy, ${count(waiting)} waiting` : "busy"}
          />
        ))}
        <Meter
          label="Password threads"
          used={passwords.busy}
          limit={passwords.threads}
          write={count}
          note={passwords.waiting > 0 ? `busy, ${count(passwords.waiting)} waiting` : "busy"}
        />
        <Meter label="Database" used={database.bytes} limit={null} write={bytes} />
        {database.kind === "sqlite" && <Meter label="Write-ahead log" used={database.wal_bytes} limit={null} write={bytes} />}
      </div>
    </Panel>
  );
}

function Happened(): JSX.Element {
  const all = notices.value;
  return (
    <Panel title="What has happened" about="The newest first, since this server has started.">
      {all.length === 0 ? (
        <p class="empty">Nothing that wants your attention.</p>
      ) : (
        <ul class="events">
          {all.slice(0, 12).map(({ at, level, kind, text }) => (
            <li key={`${at}${kind}`} class={level}>
              <Icon name={level === "error" ? "bad" : level === "warn" ? "warn" : "good"} />
              <span>{text}</span>
              <Time at={at} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
