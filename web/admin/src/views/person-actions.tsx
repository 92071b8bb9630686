/** What an operator may do about an account. Each says what it does before it is done. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../data/api.js";
import { go } from "../data/place.js";
import type { Person } from "../data/types.js";
import { some } from "../lib/format.js";
import { ask, tell } from "../parts/dialog.js";
import { Panel, Secret } from "../parts/parts.js";

export function PersonActions({ person, reload }: { person: Person; reload: () => void }): JSX.Element {
  const { id, name, sessions, state, second_factor } = person;
  const [password, setPassword] = useState<string | null>(null);
  const logins = sessions === 0 ? "There are no logins to end." : `${some(sessions, "login")} end at once, and their sockets close.`;
  const done = (text: string) => {
    tell(text);
    reload();
  };

  const disable = () =>
    ask({
      title: `Disable ${name}?`,
      effect: (
        <>
          <p>{name} cannot sign in any more, and is not told why. {logins}</p>
          <p>Messages to the account are kept. You can enable it again.</p>
        </>
      ),
      verb: "Disable",
      isDangerous: true,
      act: async () => {
        await call(`users/${id}`, { method: "PATCH", body: { disabled: true } });
        done(`${name} is disabled.`);
      },
    });
  const enable = () =>
    ask({
      title: `Enable ${name}?`,
      effect: <p>{name} can sign in again, and gets the messages that were kept.</p>,
      verb: "Enable",
      act: async () => {
        await call(`users/${id}`, { method: "PATCH", body: { disabled: false } });
        done(`${name} is enabled.`);
      },
    });
  const resetPassword = () =>
    ask({
      title: `Give ${name} a new password?`,
      effect: (
        <>
          <p>The present password stops working. {logins}</p>
          <p>The new one is random and shown once, here: hand it to {name} on a way that you trust.</p>
        </>
      ),
      verb: "Reset password",
      isDangerous: true,
      act: async () => {
        const made = await call<{ password: string }>(`users/${id}/reset_password`, { method: "POST" });
        setPassword(made.password);
        done(`${name} has a new password.`);
      },
    });
  const resetFactor = () =>
    ask({
      title: `Switch the second factor of ${name} off?`,
      effect: <p>The password alone signs in from then on: be sure that it is {name} who asks. {logins}</p>,
      verb: "Switch off",
      isDangerous: true,
      act: async () => {
        const { was_on } = await call<{ was_on: boolean }>(`users/${id}/reset_second_factor`, { method: "POST" });
        done(was_on ? `The second factor of ${name} is off.` : `${name} had no second factor.`);
      },
    });
  const endAll = () =>
    ask({
      title: `End all logins of ${name}?`,
      effect: <p>{logins} {name} can sign in again.</p>,
      verb: "End all logins",
      act: async () => {
        const { ended } = await call<{ ended: number }>(`users/${id}/sessions`, { method: "DELETE" });
        done(`${some(ended, "login")} of ${name} ended.`);
      },
    });
  const remove = () =>
    ask({
      title: `Delete ${name} for ever?`,
      effect: (
        <>
          <p>
            The account is destroyed with its conversations, files and devices, also for those whom {name} wrote with. {logins}
          </p>
          <p>This cannot be undone. To keep somebody out for a while, disable the account.</p>
        </>
      ),
      verb: "Delete for ever",
      isDangerous: true,
      typed: name,
      act: async () => {
        await call(`users/${id}`, { method: "DELETE" });
        tell(`${name} is deleted.`);
        go("people");
      },
    });

  return (
    <Panel title="Actions" about="Each is written to the audit log with the name of your token.">
      {password !== null && <Secret label={`The new password of ${name}. It is shown only now.`} text={password} />}
      <div class="buttons">
        {state === "disabled" ? (
          <button type="button" onClick={enable}>
            Enable …
          </button>
        ) : (
          <button type="button" onClick={disable}>
            Disable …
          </button>
        )}
        <button type="button" onClick={endAll} disabled={sessions === 0}>
          End all logins …
        </button>
        <button type="button" onClick={resetPassword}>
          Reset password …
        </button>
        <button type="button" onClick={resetFactor} disabled={!second_factor}>
          Reset second factor …
        </button>
        <button type="button" class="danger" onClick={remove}>
          Delete …
        </button>
      </div>
    </Panel>
  );
}
