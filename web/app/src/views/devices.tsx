/** The logins of the account. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Session } from "../bridge/protocol.js";
import { full } from "../lib/format.js";
import { calls } from "../page/calls.js";
import { now } from "../page/state.js";
import { t } from "../texts.js";
import { Page } from "./page.js";
import { Confirm, Failure, useWork } from "./parts.js";

export function DevicesScreen(): JSX.Element {
  const [sessions, setSessions] = useState<Session[] | null>(null);
  const [isEnding, setEnding] = useState(false);
  const work = useWork();
  const load = async () => setSessions(await calls().sessions());
  useEffect(() => work.run(load), []);
  const order = [...(sessions ?? [])].sort(
    (one, other) => Number(other.current) - Number(one.current) || other.last_used_at.localeCompare(one.last_used_at),
  );
  return (
    <Page title={t.devices.title} back="#/settings">
      <p>{t.devices.text}</p>
      <Failure text={work.failure} />
      <ul class="group rows logins">
        {order.map((session) => (
          <li key={session.id} class="setting">
            <div>
              <strong>{session.current ? t.devices.current : t.devices.other}</strong>
              <p>{t.devices.began(when(session.created_at))}</p>
              <p>{t.devices.used(when(session.last_used_at))}</p>
              {session.network && <p>{t.devices.network(session.network)}</p>}
              {session.second_factor && <p>{t.devices.factor}</p>}
            </div>
            {!session.current && (
              <div class="acts">
                <button
                  type="button"
                  disabled={work.isBusy}
                  onClick={() => work.run(() => calls().endSession(session.id).then(load))}
                >
                  {t.devices.end}
                </button>
              </div>
            )}
          </li>
        ))}
      </ul>
      {sessions?.length === 1 && <p class="faint">{t.devices.none}</p>}
      <button type="button" class="danger" onClick={() => setEnding(true)}>
        {t.devices.endAll}
      </button>
      {isEnding && (
        <Confirm
          title={t.devices.endAllTitle}
          text={t.devices.endAllText}
          yes={t.devices.endAll}
          isDangerous
          onClose={() => setEnding(false)}
          onYes={() => calls().endAllSessions()}
        />
      )}
    </Page>
  );
}

function when(time: string): string {
  return full(Date.parse(time), now(), t.days);
}
