/** Users' files: how many, in which state, and whether the disk agrees with the database. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../data/api.js";
import { useResource } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { MediaState, Reconciled } from "../data/types.js";
import { bytes, count, some, words } from "../lib/format.js";
import { ask } from "../parts/dialog.js";
import { State } from "../parts/icon.js";
import { Facts, Head, Loaded, Panel } from "../parts/parts.js";
import { Time } from "../parts/time.js";
import { Runbook } from "./runbook.js";

const EVERY_MS = 10_000;

const MEANINGS: Record<string, string> = {
  new: "announced, nothing has come yet",
  uploading: "coming",
  complete: "here, no message names them yet",
  attached: "named by a message",
  deleting: "to be destroyed",
};

export function Media(): JSX.Element {
  const media = useResource<MediaState>("media", EVERY_MS);
  return (
    <>
      <Head title="Media" about="Files that users send each other. The server sees only ciphertext." />
      <Loaded of={media}>
        {(state) =>
          state.enabled ? (
            <>
              <Files of={state} />
              <Reconcile of={state} reload={media.reload} />
            </>
          ) : (
            <p class="note">This server takes no files: media.enabled is off.</p>
          )
        }
      </Loaded>
    </>
  );
}

function Files({ of }: { of: MediaState }): JSX.Element {
  const lost = of.lost ?? 0;
  return (
    <Panel title="Files" about={`${bytes(of.bytes)} in all.`}>
      <Facts
        of={Object.entries(of.files ?? {}).map(([state, files]) => [
          words(state),
          <>
            <strong>{count(files)}</strong> <small class="soft">{MEANINGS[state]}</small>
          </>,
        ])}
      />
      {lost > 0 ? (
        <>
          <p>
            <State is="bad" word={`${some(lost, "file")} lost`} />: the database knows them, and they are gone.
          </p>
          <Runbook alert="FluentMediaLost" isOpen />
        </>
      ) : (
        <p>
          <State is="good" word="none is lost" />
        </p>
      )}
    </Panel>
  );
}

function Reconcile({ of, reload }: { of: MediaState; reload: () => void }): JSX.Element {
  const [found, setFound] = useState<Reconciled | null>(of.last_reconcile);
  const reconcile = (dry_run: boolean) =>
    ask({
      title: dry_run ? "Compare files and database?" : "Put files and database right?",
      effect: dry_run ? (
        <p>Reads the name of every file; with many files it takes minutes. Nothing is changed.</p>
      ) : (
        <p>Files that no row names are removed, and rows whose file is gone are marked as lost. It cannot be undone.</p>
      ),
      verb: dry_run ? "Compare" : "Put right",
      isDangerous: !dry_run,
      act: async () => {
        setFound(await call<Reconciled>("media/reconcile", { method: "POST", body: { dry_run }, timeoutMs: 3_600_000 }));
        reload();
      },
    });
  const shown = found ?? of.last_reconcile;
  return (
    <Panel
      title="Disk against database"
      actions={
        mayWrite.value && (
          <>
            <button type="button" onClick={() => reconcile(true)}>
              Compare …
            </button>
            <button type="button" class="danger" onClick={() => reconcile(false)}>
              Put right …
            </button>
          </>
        )
      }
    >
      {shown === null ? (
        <p class="empty">Not compared since this server has started.</p>
      ) : (
        <Facts
          of={[
            ["When", shown.at ? <Time at={shown.at} /> : "just now"],
            ["What", shown.dry_run ? "compared only" : "put right"],
            ["Files that no row names", count(shown.orphans?.found)],
            ["Of these removed", count(shown.orphans?.removed)],
            ["Their bytes", bytes(shown.orphans?.bytes)],
            ["Lost files", Array.isArray(shown.lost) ? count(shown.lost.length) : count(shown.lost)],
          ]}
        />
      )}
    </Panel>
  );
}
