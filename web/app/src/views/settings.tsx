/** Settings of the account and of this browser. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Settings } from "../bridge/protocol.js";
import { calls } from "../page/calls.js";
import { pathOf } from "../page/route.js";
import { app } from "../page/state.js";
import { words } from "../texts/settings.js";
import { t } from "../texts.js";
import { keyFileName, SignOut } from "./keys.js";
import { Notifications } from "./notifications.js";
import { Page } from "./page.js";
import { Avatar, Dialog, Failure, Field, Icon, saveFile, useWork } from "./parts.js";
import { Group, Row, Switch } from "./rows.js";
import { PassphraseDialog, RemovePassphraseDialog } from "./passphrase.js";

type Open = "password" | "key" | "passphrase" | "remove" | "sign_out" | "delete" | null;

export function SettingsScreen(): JSX.Element {
  const [account, setAccount] = useState<{ name: string; email: string; settings: Settings } | null>(null);
  const [open, setOpen] = useState<Open>(null);
  const work = useWork();
  const { user, hasPassphrase, isPersisted } = app.value;
  const close = () => setOpen(null);

  useEffect(() => {
    calls()
      .account()
      .then(setAccount)
      .catch(() => {});
  }, []);
  const change = (settings: Partial<Settings>) =>
    work.run(async () => {
      if (!account) return;
      setAccount({ ...account, settings: { ...account.settings, ...settings } });
      try {
        setAccount({ ...account, settings: await calls().changeSettings(settings) });
      } catch (error) {
        setAccount(account);
        throw error;
      }
    });

  return (
    <Page title={words.title}>
      <div class="profile">
        <Avatar name={user?.name ?? ""} />
        <h2>{user?.name}</h2>
        {account && account.email !== user?.name && <p class="faint">{account.email}</p>}
      </div>
      <Failure text={work.failure} />
      <Group title={words.privacy}>
        <Switch
          label={words.presence}
          text={words.presenceText}
          isOn={account?.settings.presence ?? null}
          onChange={(presence) => change({ presence })}
        />
        <Switch
          label={words.receipts}
          text={words.receiptsText}
          isOn={account?.settings.read_receipts ?? null}
          onChange={(read_receipts) => change({ read_receipts })}
        />
      </Group>
      <Notifications />
      <Group title={words.key}>
        <Row title={words.keyMode} text={words.keyCompatible} />
        <Row title={words.exportKey} text={words.keyText}>
          <button type="button" onClick={() => setOpen("key")}>
            {words.exportButton}
          </button>
        </Row>
        <Row title={words.lock} text={hasPassphrase ? words.lockOn : words.lockOff}>
          {hasPassphrase ? (
            <>
              <button type="button" onClick={() => void calls().lock()}>
                {words.lockNow}
              </button>
              <button type="button" onClick={() => setOpen("remove")}>
                {words.lockRemove}
              </button>
            </>
          ) : (
            <button type="button" onClick={() => setOpen("passphrase")}>
              {words.lockSet}
            </button>
          )}
        </Row>
        <Row title={words.storage} text={isPersisted ? words.persisted : words.notPersisted} />
      </Group>
      <Group title={words.security}>
        <a class="row-link" href={pathOf({ at: "devices" })}>
          {words.devices}
        </a>
        <a class="row-link" href={pathOf({ at: "security" })}>
          {words.about}
        </a>
        <Row title={words.password}>
          <button type="button" onClick={() => setOpen("password")}>
            {words.passwordButton}
          </button>
        </Row>
      </Group>
      <Group title={words.data}>
        <Row title={words.export} text={words.exportText}>
          <button
            type="button"
            onClick={() =>
              work.run(async () =>
                saveFile("fluent-conversations.json", "application/json", await calls().exportHistory()),
              )
            }
          >
            {words.exportButton}
          </button>
        </Row>
        <Row title={words.signOut} text={words.signOutText}>
          <button type="button" onClick={() => setOpen("sign_out")}>
            {words.signOut}
          </button>
        </Row>
        <Row title={words.delete} text={words.deleteText}>
          <button type="button" class="danger" onClick={() => setOpen("delete")}>
            {words.deleteButton}
          </button>
        </Row>
      </Group>
      <p class="faint">{words.version(VERSION)}</p>
      {open === "password" && <PasswordDialog onClose={close} />}
      {open === "key" && <KeyDialog onClose={close} />}
      {open === "passphrase" && <PassphraseDialog onClose={close} />}
      {open === "remove" && <RemovePassphraseDialog onClose={close} />}
      {open === "sign_out" && <SignOut onClose={close} />}
      {open === "delete" && <DeleteDialog onClose={close} />}
    </Page>
  );
}

function PasswordDialog({ onClose }: { onClose(): void }): JSX.Element {
  const work = useWork();
  const [isDone, setDone] = useState(false);
  if (isDone) {
    return (
      <Dialog title={words.password} onClose={onClose}>
        <p role="status">{words.passwordDone}</p>
        <div class="buttons">
          <button type="button" class="primary" onClick={onClose}>
            {t.close}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={words.password} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          work.run(() =>
            calls()
              .changePassword(String(data.get("old")), String(data.get("new")))
              .then(() => setDone(true)),
          );
        }}
      >
        <Field label={words.passwordOld} name="old" type="password" autocomplete="current-password" required />
        <Field
          label={words.passwordNew}
          hint={t.enter.passwordHint}
          name="new"
          type="password"
          autocomplete="new-password"
          minLength={8}
          maxLength={256}
          required
        />
        <Failure text={work.failure} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="primary" disabled={work.isBusy}>
            {words.passwordButton}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function KeyDialog({ onClose }: { onClose(): void }): JSX.Element {
  const work = useWork();
  return (
    <Dialog title={words.exportKey} onClose={onClose}>
      <p>{words.keyText}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const passphrase = String(new FormData(event.currentTarget).get("passphrase")) || null;
          work.run(async () => {
            const file = await calls().exportKey(passphrase);
            const isLocked = passphrase !== null;
            saveFile(keyFileName(isLocked), isLocked ? "application/json" : "application/x-pem-file", file);
            onClose();
          });
        }}
      >
        <Field label={words.exportPassphrase} name="passphrase" type="password" autocomplete="new-password" />
        <Failure text={work.failure} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="primary" disabled={work.isBusy}>
            <Icon name="file" />
            {work.isBusy ? t.enter.working : words.exportButton}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function DeleteDialog({ onClose }: { onClose(): void }): JSX.Element {
  const work = useWork();
  return (
    <Dialog title={words.delete} onClose={onClose}>
      <p>{words.deleteText}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          const code = String(data.get("code")).trim() || null;
          work.run(() => calls().deleteAccount(String(data.get("password")), code));
        }}
      >
        <Field label={words.deletePassword} name="password" type="password" autocomplete="current-password" required />
        <Field label={`${t.enter.code} (${words.ifFactor})`} name="code" autocomplete="one-time-code" />
        <Failure text={work.failure} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="danger" disabled={work.isBusy}>
            {words.deleteYes}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
