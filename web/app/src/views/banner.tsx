/** What the person should know of the connection and the program. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { calls } from "../page/calls.js";
import { app, update } from "../page/state.js";
import { t } from "../texts.js";

/** How long a connection may take without a word, in milliseconds. */
const QUIET_MS = 1_500;

export function Banner(): JSX.Element {
  const { connection } = app.value;
  const [isQuiet, setQuiet] = useState(true);
  const [now, setNow] = useState(Date.now());
  const isWaiting = typeof connection === "object" && "waiting" in connection;
  const isOnItsWay = connection === "connecting" || connection === "catching_up";

  useEffect(() => {
    if (!isOnItsWay) return void setQuiet(true);
    const timer = setTimeout(() => setQuiet(false), QUIET_MS);
    return () => clearTimeout(timer);
  }, [isOnItsWay]);
  useEffect(() => {
    if (!isWaiting) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isWaiting]);

  const waitMs = isWaiting ? connection.until - now : 0;
  const text = isWaiting ? t.banner.waiting(Math.max(0, Math.ceil(waitMs / 1_000))) : textOf(connection, isQuiet);
  return (
    <div class="banners">
      {/* A number that changes each second is not read out. */}
      <div role="status" class="banner-place">
        {text !== null && !isWaiting && <div class="banner">{text}</div>}
      </div>
      {isWaiting && (
        <div class="banner">
          <span>{text}</span>
          <button type="button" class="link" onClick={() => void calls().wake()}>
            {t.banner.now}
          </button>
        </div>
      )}
      {update.value && (
        <div class="banner calm">
          <span>{t.banner.update(update.value.version)}</span>
          <button type="button" class="link" onClick={() => update.value?.worker.postMessage("use")}>
            {t.banner.updateNow}
          </button>
        </div>
      )}
    </div>
  );
}

function textOf(connection: typeof app.value.connection, isQuiet: boolean): string | null {
  if (connection === "live" || connection === "signed_out") return null;
  if (connection === "connecting") return isQuiet ? null : t.banner.connecting;
  if (connection === "catching_up") return isQuiet ? null : t.banner.catchingUp;
  if ("broken" in connection) return t.banner.broken;
  if (!("stopped" in connection)) return null;
  const { stopped } = connection;
  if (stopped === "replaced") return t.banner.replaced;
  if (stopped === "too_many") return t.banner.tooMany;
  if ("forbidden" in stopped) return t.banner.forbidden;
  if ("sign_in" in stopped) return null;
  if ("closed" in stopped && stopped.closed.startsWith("1000")) return t.banner.asleep;
  return t.banner.other;
}
