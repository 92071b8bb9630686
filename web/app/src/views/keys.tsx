/** What must be done about the key before anything else. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { calls } from "../page/calls.js";
import { app } from "../page/state.js";
import { words } from "../texts/settings.js";
import { t } from "../texts.js";
import { Card } from "./card.js";
import { Confirm, Dialog, Failure, Field, Icon, saveFile, useWork } from "./parts.js";
import { PassphraseDialog } from "./passphrase.js";

/** Returns the name of a key file. */
export function keyFileName(isLocked: boolean): string {
  const name = (app.value.user?.name ?? "").replace(/[^\p{L}\p{N}._-]+/gu, "-");
  return `fluent-key-${name}.${isLocked ? "json" : "pem"}`;
}

/** The first key was made: it must be somewhere else too. */
export function SaveKey(): JSX.Element {
  const work = useWork();
  const [isSaved, setSaved] = useState(false);
  const [isLocking, setLocking] = useState(false);
  const save = () =>
    work.run(async () => {
      saveFile(keyFileName(false), "application/x-pem-file", await calls().exportKey(null));
      setSaved(true);
    });
  return (
    <Card title={t.saveKey.title}>
      <p>{t.saveKey.text}</p>
      <section class="choice">
        <h2>
          <Icon name="file" />
          {t.saveKey.file}
        </h2>
        <p>{t.saveKey.fileText}</p>
        <button type="button" class={isSaved ? "" : "primary"} disabled={work.isBusy} onClick={save}>
          {t.saveKey.fileButton}
        </button>
        {isSaved && (
          <button type="button" class="primary" onClick={() => work.run(() => calls().keyWasSaved())}>
            {t.saveKey.fileSaved}
          </button>
        )}
      </section>
      <section class="choice">
        <h2>
          <Icon name="lock" />
          {t.saveKey.passphrase}
        </h2>
        <p>{t.saveKey.passphraseText}</p>
        <button type="button" onClick={() => setLocking(true)}>
          {t.saveKey.passphraseButton}
        </button>
      </section>
      <Failure text={work.failure} />
      <p class="foot">{t.saveKey.then}</p>
      {isLocking && <PassphraseDialog onClose={() => setLocking(false)} />}
    </Card>
  );
}

/** The account has a key that is not here. */
export function NoKey(): JSX.Element {
  const work = useWork();
  const [file, setFile] = useState<string | null>(null);
  const [isFresh, setFresh] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const open = (text: string, passphrase: string | null) => work.run(() => calls().importKey(text, passphrase));
  const choose = async (input: HTMLInputElement) => {
    const text = await input.files?.[0]?.text();
    input.value = "";
    if (text === undefined) return;
    if (text.trimStart().startsWith("{")) setFile(text);
    else open(text, null);
  };
  return (
    <Card title={t.noKey.title}>
      <p>{t.noKey.text}</p>
      <section class="choice">
        <h2>
          <Icon name="file" />
          {t.noKey.import}
        </h2>
        <p>{t.noKey.importText}</p>
        <label class="button primary">
          {t.noKey.importButton}
          <input
            class="unseen"
            type="file"
            accept=".pem,.json,.key,.txt"
            onChange={(event) => void choose(event.currentTarget)}
          />
        </label>
        {file !== null && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              open(file, String(new FormData(event.currentTarget).get("passphrase")));
            }}
          >
            <Field label={t.noKey.passphrase} name="passphrase" type="password" autocomplete="off" required />
            <button class="primary" disabled={work.isBusy}>
              {work.isBusy ? t.locked.working : t.noKey.open}
            </button>
          </form>
        )}
        <Failure text={work.failure} />
      </section>
      <section class="choice">
        <h2>
          <Icon name="key" />
          {t.noKey.fresh}
        </h2>
        <p>{t.noKey.freshText}</p>
        <button type="button" onClick={() => setFresh(true)}>
          {t.noKey.freshButton}
        </button>
      </section>
      <p class="foot">
        <button type="button" class="link" onClick={() => setLeaving(true)}>
          {words.signOut}
        </button>
      </p>
      {isFresh && <FreshKey onClose={() => setFresh(false)} />}
      {isLeaving && <SignOut onClose={() => setLeaving(false)} />}
    </Card>
  );
}

/** A new key costs what was written to the old one: nobody makes one by a click. */
function FreshKey({ onClose }: { onClose(): void }): JSX.Element {
  const work = useWork();
  const name = app.value.user?.name ?? "";
  const [word, setWord] = useState("");
  return (
    <Dialog title={t.noKey.freshTitle} onClose={onClose}>
      <ul>
        {t.noKey.freshLoses.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const password = String(new FormData(event.currentTarget).get("password"));
          work.run(() => calls().newKey(password).then(onClose));
        }}
      >
        <Field
          label={t.noKey.freshType(name)}
          autocomplete="off"
          value={word}
          onInput={(event) => setWord(event.currentTarget.value)}
        />
        <Field label={t.noKey.freshPassword} name="password" type="password" autocomplete="current-password" required />
        <Failure text={work.failure} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="danger" disabled={work.isBusy || word.trim() !== name}>
            {t.noKey.freshYes}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What is kept is under a passphrase. */
export function LockedScreen(): JSX.Element {
  const work = useWork();
  const [isForgotten, setForgotten] = useState(false);
  const name = app.value.user?.name ?? "";
  return (
    <Card title={t.locked.title}>
      <p>{t.locked.text}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const passphrase = String(new FormData(event.currentTarget).get("passphrase"));
          work.run(() => calls().unlock(passphrase));
        }}
      >
        <Field label={t.locked.passphrase} name="passphrase" type="password" autocomplete="off" required />
        <Failure text={work.failure} />
        <button class="primary wide" disabled={work.isBusy}>
          {work.isBusy ? t.locked.working : t.locked.unlock}
        </button>
        <button type="button" class="link" onClick={() => setForgotten(true)}>
          {t.locked.forgot}
        </button>
      </form>
      {isForgotten && (
        <Confirm
          title={t.enter.removeTitle}
          text={t.enter.removeText(name)}
          yes={t.enter.removeYes}
          isDangerous
          onClose={() => setForgotten(false)}
          onYes={() => calls().forget(name)}
        />
      )}
    </Card>
  );
}

export function SignOut({ onClose }: { onClose(): void }): JSX.Element {
  const work = useWork();
  const [isForgetting, setForgetting] = useState(false);
  return (
    <Dialog title={words.signOutTitle} onClose={onClose}>
      <p>{words.signOutText}</p>
      <label class="check">
        <input type="checkbox" checked={isForgetting} onChange={() => setForgetting(!isForgetting)} />
        {words.signOutForget}
      </label>
      <Failure text={work.failure} />
      <div class="buttons">
        <button type="button" onClick={onClose}>
          {t.cancel}
        </button>
        <button
          type="button"
          class={isForgetting ? "danger" : "primary"}
          disabled={work.isBusy}
          onClick={() => work.run(() => calls().signOut(isForgetting).then(onClose))}
        >
          {words.signOut}
        </button>
      </div>
    </Dialog>
  );
}
