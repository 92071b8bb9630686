/** The limiters: whom each refuses most often, and giving somebody a full bucket again. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, withQuery } from "../data/api.js";
import { useResource } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { Limiter, WorstKey } from "../data/types.js";
import { count, figure, span } from "../lib/format.js";
import { ask, tell } from "../parts/dialog.js";
import { Loaded, Panel } from "../parts/parts.js";
import { Table, type Column } from "../parts/table.js";

const EVERY_MS = 5_000;

export function Limiters(): JSX.Element {
  const limiters = useResource<{ limiters: Limiter[]; keys?: number; max_keys?: number }>("limiters", EVERY_MS);
  const [showsAll, setShowsAll] = useState(false);
  return (
    <Loaded of={limiters}>
      {({ limiters: all, keys, max_keys }) => {
        const busy = all.filter(({ worst }) => worst.length > 0);
        return (
          <>
            <Panel title="Who is held back" about="Since the start of this server, the worst first. A count may be too high by what follows it.">
              {busy.length === 0 && <p class="empty">Nobody has met a limit.</p>}
              {busy.map((limiter) => (
                <Offenders key={limiter.limiter} of={limiter} reload={limiters.reload} />
              ))}
            </Panel>
            <Panel
              title="All limiters"
              about={keys !== undefined && `${count(keys)} of ${count(max_keys)} buckets are in use.`}
              actions={
                <button type="button" aria-pressed={showsAll} onClick={() => setShowsAll(!showsAll)}>
                  {showsAll ? "Only those that refused" : "Show all"}
                </button>
              }
            >
              <Table
                caption="Limiters"
                columns={COLUMNS}
                rows={showsAll ? all : all.filter(({ worst, refused, delayed }) => worst.length > 0 || refused || delayed)}
                keyOf={({ limiter }) => limiter}
                empty="None has refused anything."
              />
            </Panel>
          </>
        );
      }}
    </Loaded>
  );
}

const COLUMNS: Column<Limiter>[] = [
  { head: "Limiter", isName: true, cell: ({ limiter }) => <code>{limiter}</code> },
  { head: "Refuses", cell: ({ text }) => text ?? "–" },
  { head: "By", cell: ({ counts_by }) => counts_by ?? "–" },
  { head: "At once", isNumber: true, cell: ({ numbers }) => (numbers ? count(numbers.burst) : "off") },
  { head: "One more after", isNumber: true, cell: ({ numbers }) => (numbers ? span(numbers.every_ms) : "–") },
  { head: "Refused", isNumber: true, cell: ({ refused }) => count(refused) },
  { head: "Delayed", isNumber: true, cell: ({ delayed }) => count(delayed) },
];

function Offenders({ of, reload }: { of: Limiter; reload: () => void }): JSX.Element {
  const { limiter, text, worst, numbers } = of;
  const refill = ({ key }: WorstKey) =>
    ask({
      title: `Refill ${limiter} for ${key}?`,
      effect: <p>Its bucket is full again: the next {numbers ? figure(numbers.burst) : ""} are let through. The limit itself stays.</p>,
      verb: "Refill",
      act: async () => {
        await call(withQuery(`limiters/${limiter}`, { key }), { method: "DELETE" });
        tell(`${limiter} is full again for ${key}.`);
        reload();
      },
    });
  const columns: Column<WorstKey>[] = [
    { head: "Whom", isName: true, cell: ({ key }) => <Key text={key} /> },
    { head: "Refused or delayed", isNumber: true, cell: ({ count: times, error }) => `${count(times)}${error > 0 ? ` (−${count(error)})` : ""}` },
    {
      head: "Next one",
      isNumber: true,
      cell: ({ next_token_ms }) => (next_token_ms === undefined ? "–" : next_token_ms === 0 ? "now" : `in ${span(next_token_ms)}`),
    },
  ];
  const action: Column<WorstKey> = {
    head: "Actions",
    isAction: true,
    cell: (worst) => (
      <button type="button" class="small" onClick={() => refill(worst)}>
        Refill<span class="unseen"> for {worst.key}</span>
      </button>
    ),
  };
  return (
    <section class="offenders">
      <h3>
        <code>{limiter}</code> {text && <span class="soft">{text}</span>}
      </h3>
      <Table
        caption={limiter}
        columns={mayWrite.value ? [...columns, action] : columns}
        rows={worst}
        keyOf={({ key }) => key}
        empty=""
      />
    </section>
  );
}

/** A user's key leads to their page. */
function Key({ text }: { text: string }): JSX.Element {
  const id = /^user (\d+)$/.exec(text)?.[1];
  return id ? <a href={`#/people/${id}`}>{text}</a> : <code>{text}</code>;
}
