import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { calls } from "../page/calls.js";
import { t } from "../texts.js";
import { Dialog, Failure, Field, useWork } from "./parts.js";

/** Fewest characters of a passphrase. */
const MIN_LENGTH = 12;

export function PassphraseDialog({ onClose }: { onClose(): void }): JSX.Element {
  const work = useWork();
  const [wrong, setWrong] = useState<string | null>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const [first, second] = [String(data.get("first")), String(data.get("second"))];
    const problem =
      [...first].length < MIN_LENGTH ? t.passphrase.short : first === second ? null : t.passphrase.different;
    setWrong(problem);
    if (problem === null) work.run(() => calls().setPassphrase(first).then(onClose));
  };
  return (
    <Dialog title={t.passphrase.title} onClose={onClose}>
      <p>{t.passphrase.text}</p>
      <form onSubmit={submit}>
        <Field
          label={t.passphrase.first}
          hint={t.passphrase.hint}
          name="first"
          type="password"
          autocomplete="new-password"
          required
        />
        <Field label={t.passphrase.second} name="second" type="password" autocomplete="new-password" required />
        <Failure text={wrong ?? work.failure} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="primary" disabled={work.isBusy}>
            {work.isBusy ? t.passphrase.working : t.passphrase.set}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function RemovePassphraseDialog({ onClose }: { onClose(): void }): JSX.Element {
  const work = useWork();
  return (
    <Dialog title={t.passphrase.removeTitle} onClose={onClose}>
      <p>{t.passphrase.removeText}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const passphrase = String(new FormData(event.currentTarget).get("passphrase"));
          work.run(() => calls().removePassphrase(passphrase).then(onClose));
        }}
      >
        <Field label={t.passphrase.first} name="passphrase" type="password" autocomplete="off" required />
        <Failure text={work.failure} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="danger" disabled={work.isBusy}>
            {work.isBusy ? t.passphrase.working : t.passphrase.remove}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
