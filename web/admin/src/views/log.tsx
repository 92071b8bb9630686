/** The log: what the server warns of, how much it writes, and what has happened to accounts and settings. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, withQuery } from "../data/api.js";
import { usePages, useResource } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { LogFilter, LogLine } from "../data/types.js";
import { seconds } from "../lib/format.js";
import { attempt } from "../parts/dialog.js";
import { Icon } from "../parts/icon.js";
import { Field, Head, Loaded, More, Panel } from "../parts/parts.js";
import { Time } from "../parts/time.js";
import { Audit } from "./audit.js";

const PAGE = 50;

export function Log(): JSX.Element {
  return (
    <>
      <Head title="Log" about="What the server warns of, and what was changed by whom." />
      <Lines />
      <Filter />
      <Audit />
    </>
  );
}

function Lines(): JSX.Element {
  const [level, setLevel] = useState("warn");
  const query = (before?: number) => withQuery("log/lines", { level, before, limit: PAGE });
  const lines = usePages<LogLine>(
    query(),
    ({ lines }: { lines: LogLine[] }) => lines,
    PAGE,
    (shown) => query(shown.at(-1)?.id),
  );
  return (
    <Panel
      title="Warnings and errors"
      about="The last 500 of this process, the newest first."
      actions={
        <>
          <button type="button" aria-pressed={level === "warn"} onClick={() => setLevel("warn")}>
            Both
          </button>
          <button type="button" aria-pressed={level === "error"} onClick={() => setLevel("error")}>
            Errors
          </button>
          <button type="button" onClick={lines.reload}>
            Reload
          </button>
        </>
      }
    >
      <Loaded of={lines}>
        {(all) =>
          all.length === 0 ? (
            <p class="empty">Nothing: the server has had nothing to warn of.</p>
          ) : (
            <ol class="log">
              {all.map(({ id, at, level, target, text, fields, spans }) => (
                <li key={id} class={level === "error" ? "error" : "warn"}>
                  <Icon name={level === "error" ? "bad" : "warn"} />
                  <div>
                    <p>
                      <span class="unseen">{level}: </span>
                      {text} <Time at={at} />
                    </p>
                    <p class="soft">
                      <code>{target}</code>
                      {Object.entries(fields).map(([name, value]) => (
                        <code key={name}>
                          {name}={typeof value === "string" ? value : JSON.stringify(value)}
                        </code>
                      ))}
                      {spans.length > 0 && <code>in {spans.join(" › ")}</code>}
                    </p>
                  </div>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
      <More onMore={lines.more} />
    </Panel>
  );
}

function Filter(): JSX.Element {
  const log = useResource<LogFilter>("log");
  const [filter, setFilter] = useState("info,fluent_backend=debug");
  const [life, setLife] = useState("10m");
  const set = (body: { filter: string | null; for_s?: number }, done: string) =>
    void attempt(async () => {
      await call("log", { method: "PUT", body });
      log.reload();
      return done;
    });
  const change = (event: Event) => {
    event.preventDefault();
    const for_s = seconds(life);
    if (for_s !== null) set({ filter: filter.trim(), for_s }, `The log is filtered by ${filter.trim()} for ${life.trim()}.`);
    else void attempt(() => Promise.reject(new Error("The time is a number and s, m, h, d or w, such as 10m.")));
  };
  return (
    <Panel title="How much is logged" about="A filter goes back by itself.">
      <Loaded of={log}>
        {({ filter: now, configured, until }) => (
          <p>
            <code>{now}</code>{" "}
            {until ? (
              <>
                until it goes back to <code>{configured}</code> <Time at={until} />{" "}
                {mayWrite.value && (
                  <button type="button" class="small" onClick={() => set({ filter: null }, "The log is as configured.")}>
                    Go back now
                  </button>
                )}
              </>
            ) : (
              <span class="soft">as configured</span>
            )}
          </p>
        )}
      </Loaded>
      {mayWrite.value && (
        <form class="form" onSubmit={change}>
          <Field label="Filter" value={filter} onValue={setFilter} placeholder="info,fluent_backend::push=debug" />
          <Field label="For" value={life} onValue={setLife} />
          <div class="buttons">
            <button disabled={filter.trim() === ""}>Set the filter</button>
          </div>
        </form>
      )}
    </Panel>
  );
}
