/** The store: what its tables take, and until when each row is kept. */
import type { JSX } from "preact";
import { overview } from "../data/live.js";
import { useResource } from "../data/resource.js";
import type { SlowStatement, TableOfStore } from "../data/types.js";
import { bytes, count, percent, span } from "../lib/format.js";
import { Meter } from "../parts/meter.js";
import { Facts, Head, Loaded, Panel } from "../parts/parts.js";
import { Table } from "../parts/table.js";
import { Time } from "../parts/time.js";

const EVERY_MS = 30_000;
const KINDS: Record<string, string> = { sqlite: "SQLite", postgres: "PostgreSQL" };

export function Store(): JSX.Element {
  const tables = useResource<{ kind: string; tables: TableOfStore[] }>("database/tables", EVERY_MS);
  return (
    <>
      <Head title="Store" about="Where messages wait, and what else the server keeps." />
      <Figures />
      <Loaded of={tables}>
        {({ tables: all }) => {
          const total = all.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
          return (
            <Panel title="Tables" about="The largest first, with their indexes. “≈” is an estimate.">
              <Table
                caption="Tables"
                columns={[
                  {
                    head: "Table",
                    isName: true,
                    cell: ({ table, what }) => (
                      <>
                        <code>{table}</code>
                        <small class="soft what">{what}</small>
                      </>
                    ),
                  },
                  { head: "Rows", isNumber: true, cell: ({ rows, rows_exact }) => about(count(rows), rows_exact || rows === null) },
                  {
                    head: "Size",
                    isNumber: true,
                    cell: ({ bytes: size, bytes_exact }) => (
                      <>
                        {about(bytes(size), bytes_exact || size === null)}
                        {size !== null && total > 0 && (
                          <progress max={1} value={size / total} aria-label={percent(size / total)} />
                        )}
                      </>
                    ),
                  },
                  { head: "Oldest row", cell: ({ oldest_at }) => <Time at={oldest_at} /> },
                  { head: "Kept", cell: ({ keeps }) => keeps },
                ]}
                rows={all}
                keyOf={({ table }) => table}
                empty="There are no tables."
              />
            </Panel>
          );
        }}
      </Loaded>
      <Slow />
    </>
  );
}

function Slow(): JSX.Element {
  const slow = useResource<{ over_ms: number | null; statements: SlowStatement[] }>("database/slow", EVERY_MS);
  return (
    <Panel title="Slow statements" about="Of the last hour, without their values.">
      <Loaded of={slow}>
        {({ over_ms, statements }) => (
          <Table
            caption="Slow statements"
            columns={[
              { head: "Statement", isName: true, cell: ({ statement }) => <code>{statement}</code> },
              { head: "Times", isNumber: true, cell: ({ count: times }) => count(times) },
              { head: "Longest", isNumber: true, cell: ({ longest_ms }) => span(longest_ms) },
              { head: "Connections", cell: ({ pool }) => pool },
              { head: "Last", cell: ({ last_at }) => <Time at={last_at} /> },
            ]}
            rows={statements}
            keyOf={({ statement, pool }) => pool + statement}
            empty={over_ms === null ? "Slow statements are not noted." : `None has taken more than ${span(over_ms)}.`}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function about(text: string, isExact: boolean): string {
  return isExact ? text : `≈ ${text}`;
}

function Figures(): JSX.Element | null {
  const server = overview.value;
  if (!server) return null;
  const { database, disks } = server;
  const disk = disks.find(({ disk }) => disk === "store");
  return (
    <Panel title={KINDS[database.kind] ?? database.kind}>
      <Facts
        of={[
          ["Size", bytes(database.bytes)],
          ...(database.kind === "sqlite" ? [["Write-ahead log", bytes(database.wal_bytes)] as [string, string]] : []),
          ...Object.entries(database.pool).map(([pool, { size, max, busy, waiting }]): [string, string] => [
            `Connections: ${pool}`,
            `${count(busy)} busy, ${count(size)} open, at most ${count(max)}${waiting ? `, ${count(waiting)} waiting` : ""}`,
          ]),
        ]}
      />
      {disk && <Meter label="Its disk" used={disk.size_bytes - disk.free_bytes} limit={disk.size_bytes} write={bytes} note={`; ${bytes(disk.free_bytes)} free`} />}
    </Panel>
  );
}
