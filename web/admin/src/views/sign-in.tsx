/** Signing in by a token. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Failure, said } from "../data/api.js";
import { identify } from "../data/identify.js";
import { ended, keep } from "../data/session.js";
import { Field } from "../parts/parts.js";

const COMMAND = "fluent-backend admin token create --name page --scope write --expires 12w";

export function SignIn(): JSX.Element {
  const [text, setText] = useState("");
  const [failure, setFailure] = useState<string | null>(ended.value);
  const [isBusy, setBusy] = useState(false);
  const enter = async (event: Event) => {
    event.preventDefault();
    const token = text.trim();
    if (!/^fla_[0-9a-f]{12}_[A-Za-z0-9_-]{20,80}$/.test(token)) {
      setFailure("A token begins with fla_ and is in one piece. This is none.");
      return;
    }
    setBusy(true);
    setFailure(null);
    try {
      keep(token, await identify(token));
    } catch (error) {
      const isRefused = error instanceof Failure && error.status === 401;
      const isNarrow = error instanceof Failure && error.status === 403;
      setFailure(
        isRefused
          ? "The server does not take this token: it is wrong, has expired, or was revoked."
          : isNarrow
            ? "This token is good for metrics alone. This page needs one with the scope read or write."
            : said(error),
      );
      setBusy(false);
    }
  };
  return (
    <main class="enter">
      <form onSubmit={(event) => void enter(event)}>
        <img src="/admin/icon.svg" alt="" width="48" height="48" />
        <h1>Fluent for operators</h1>
        <Field
          label="Token"
          type="password"
          value={text}
          onValue={setText}
          isFirst
          hint="It stays in this tab, until you sign out or close it."
        />
        {failure !== null && (
          <p class="failed" role="alert">
            {failure}
          </p>
        )}
        <button class="primary" disabled={isBusy || text.trim() === ""}>
          {isBusy ? "Asking the server …" : "Sign in"}
        </button>
        <details>
          <summary>Where do I get a token?</summary>
          <p>On the server’s machine, as the user that the server runs as:</p>
          <pre tabIndex={0} aria-label="Command">
            {COMMAND}
          </pre>
          <p>
            <code>fluent-backend admin open</code> prints a link that signs in without one.
          </p>
          <p>
            A token with the scope <code>read</code> shows everything and changes nothing.
          </p>
        </details>
        <p class="soft">
          Without a token: <a href="/readyz">is it ready?</a> · <a href="/metrics">metrics</a>
        </p>
      </form>
    </main>
  );
}
