/** The sessions that stand out. None is named by its user, unless somebody asks. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ListedSession, Sessions } from "../data/types.js";
import { bytes, count, span } from "../lib/format.js";
import { Panel } from "../parts/parts.js";
import { Table, type Column } from "../parts/table.js";

type List = "worst_queue" | "worst_wait" | "oldest";

const LISTS: [List, string, string][] = [
  ["worst_queue", "Longest queues", "No session has a frame to be written."],
  ["worst_wait", "Longest waits", "No message waits in the mailbox of a session."],
  ["oldest", "Oldest", "Nobody is connected."],
];

export function SessionLists({ sessions, reveals, onReveal }: { sessions: Sessions; reveals: boolean; onReveal: (() => void) | null }): JSX.Element {
  const [chosen, choose] = useState<List>("worst_queue");
  const [, caption, empty] = LISTS.find(([list]) => list === chosen) ?? LISTS[0]!;
  const columns: Column<ListedSession>[] = [
    { head: "Session", isName: true, cell: ({ session }) => <code>{session}</code> },
    ...(reveals
      ? [{ head: "User", cell: ({ user_id }: ListedSession) => (user_id ? <a href={`#/people/${user_id}`}>{user_id}</a> : "–") }]
      : []),
    { head: "Dialects", cell: ({ dialects }) => dialects.join(", ") },
    { head: "Sockets", isNumber: true, cell: ({ sockets }) => count(sockets) },
    { head: "Queue", isNumber: true, cell: ({ queue_frames }) => count(queue_frames) },
    { head: "Bytes", isNumber: true, cell: ({ queue_bytes }) => bytes(queue_bytes) },
    { head: "Still for", isNumber: true, cell: ({ oldest_ms }) => span(oldest_ms) },
    { head: "Waiting", isNumber: true, cell: ({ waiting }) => count(waiting) },
    { head: "Wait", isNumber: true, cell: ({ wait_ms }) => span(wait_ms) },
    { head: "Age", isNumber: true, cell: ({ age_s }) => span(age_s * 1_000) },
  ];
  return (
    <Panel
      title="Sessions that stand out"
      about="The ten worst of each kind. A session is a number of this run of the server."
      actions={
        onReveal && (
          <button type="button" aria-pressed={reveals} onClick={onReveal}>
            {reveals ? "Hide users" : "Show users"}
          </button>
        )
      }
    >
      <div class="tabs" role="group" aria-label="Which sessions">
        {LISTS.map(([list, name]) => (
          <button key={list} type="button" aria-pressed={list === chosen} onClick={() => choose(list)}>
            {name}
          </button>
        ))}
      </div>
      <Table caption={caption} columns={columns} rows={sessions[chosen]} keyOf={({ session }) => session} empty={empty} />
    </Panel>
  );
}
