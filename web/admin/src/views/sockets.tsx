/** The open sockets: of which kind, how old, which lag, and why others were closed. */
import type { JSX } from "preact";
import { call } from "../data/api.js";
import { useResource } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { ListedSocket, Sockets as Shown } from "../data/types.js";
import { bytes, count, percent, span } from "../lib/format.js";
import { ask, tell } from "../parts/dialog.js";
import { Head, Loaded, Panel } from "../parts/parts.js";
import { Table, type Column } from "../parts/table.js";
import { Time } from "../parts/time.js";

const EVERY_MS = 3_000;

/** What close codes mean (docs/protocol.md, "Close codes"). */
const CODES: Record<string, string> = {
  "1000": "the client has ended it",
  "1001": "the phone has vanished, or the app has gone to sleep",
  "1006": "the connection was cut",
  "1008": "too many bad frames, or its network is blocked",
  "1009": "a frame was too large",
  "1011": "an error of the server",
  "1012": "the server restarts, or an operator has closed it",
  "1013": "it read too slowly, or nothing could be written",
  "4001": "the login has ended",
  "4002": "too many sockets of the user, this was the oldest",
  "4003": "replaced by a new socket of the same device",
};

export function Sockets(): JSX.Element {
  const sockets = useResource<Shown>("sockets", EVERY_MS);
  return (
    <>
      <Head title="Sockets" about="Connections of phones and browsers that are open now." />
      <Loaded of={sockets}>{(data) => <All of={data} reload={sockets.reload} />}</Loaded>
    </>
  );
}

function All({ of, reload }: { of: Shown; reload: () => void }): JSX.Element {
  const { open, kinds, ages, closed, worst_queues, oldest } = of;
  return (
    <>
      <div class="columns">
        <Panel title="By dialect and mode" about={`${count(open)} open in all.`}>
          <Bars rows={kinds.map(({ dialect, mode, open }) => [`${dialect}, ${mode}`, open])} total={open} empty="No socket is open." />
        </Panel>
        <Panel title="By age" about="How long they have been open.">
          <Bars rows={ages.map(({ up_to_s, open }, at) => [age(up_to_s, ages[at - 1]?.up_to_s ?? null), open])} total={open} empty="No socket is open." />
        </Panel>
        <Panel title="Closed" about={<>By close code, since <Time at={closed.from} />.</>}>
          <Table
            caption="Closed sockets by code"
            columns={[
              { head: "Code", isName: true, cell: ({ code }) => <code>{code}</code> },
              { head: "Meaning", cell: ({ code }) => CODES[code] ?? "" },
              { head: "Sockets", isNumber: true, cell: ({ count: closed }) => count(closed) },
            ]}
            rows={closed.codes}
            keyOf={({ code }) => code}
            empty="None was closed."
          />
        </Panel>
      </div>
      <Panel title="Longest queues" about="Sockets to which most frames are to be written: they read too slowly.">
        <Table caption="Longest queues" columns={columns(reload)} rows={worst_queues} keyOf={({ socket }) => socket} empty="No socket has a frame to be written: all keep up." />
      </Panel>
      <Panel title="Oldest">
        <Table caption="Oldest sockets" columns={columns(reload)} rows={oldest} keyOf={({ socket }) => socket} empty="No socket is open." />
      </Panel>
    </>
  );
}

function age(upTo: number | null, from: number | null): string {
  if (upTo === null) return from === null ? "all" : `more than ${span(from * 1_000)}`;
  return from === null ? `up to ${span(upTo * 1_000)}` : `${span(from * 1_000)} to ${span(upTo * 1_000)}`;
}

function columns(reload: () => void): Column<ListedSocket>[] {
  const all: Column<ListedSocket>[] = [
    { head: "Socket", isName: true, cell: ({ socket }) => <code>{socket}</code> },
    { head: "Session", cell: ({ session }) => (session ? <code>{session}</code> : "–") },
    { head: "Dialect", cell: ({ dialect, mode }) => `${dialect}, ${mode}` },
    { head: "Queue", isNumber: true, cell: ({ queue_frames }) => count(queue_frames) },
    { head: "Bytes", isNumber: true, cell: ({ queue_bytes }) => bytes(queue_bytes) },
    { head: "Still for", isNumber: true, cell: ({ oldest_ms }) => span(oldest_ms) },
    { head: "Age", isNumber: true, cell: ({ age_s }) => span(age_s * 1_000) },
  ];
  if (!mayWrite.value) return all;
  return [
    ...all,
    {
      head: "Actions",
      isAction: true,
      cell: ({ socket }) => (
        <button type="button" class="small" onClick={() => close(socket, reload)}>
          Close<span class="unseen"> socket {socket}</span>
        </button>
      ),
    },
  ];
}

function close(socket: number, reload: () => void): void {
  ask({
    title: `Close socket ${socket}?`,
    effect: (
      <p>
        The client is told 1012 and comes back by itself within seconds; no message is lost. That frees a socket that hangs.
        It keeps nobody out: for that, disable the account or block the network.
      </p>
    ),
    verb: "Close socket",
    act: async () => {
      await call(`sockets/${socket}`, { method: "DELETE" });
      tell(`Socket ${socket} is closed.`);
      reload();
    },
  });
}

function Bars({ rows, total, empty }: { rows: [string, number][]; total: number; empty: string }): JSX.Element {
  const shown = rows.filter(([, value]) => value > 0);
  if (shown.length === 0) return <p class="empty">{empty}</p>;
  return (
    <ul class="bars">
      {shown.map(([name, value]) => (
        <li key={name}>
          <span>{name}</span>
          <strong>{count(value)}</strong>
          <progress max={total} value={value} aria-label={`${name}: ${percent(value / total)}`} />
        </li>
      ))}
    </ul>
  );
}
