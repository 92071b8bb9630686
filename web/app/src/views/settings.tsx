/** Settings of the account and of this browser. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Settings } from "../bridge/protocol.js";
import { calls } from "../page/calls.js";
import { pathOf } from "../page/route.js";
import { app } from "../page/state.js";
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
    <Page title={t.settings.title}>
      <div class="profile">
        <Avatar name={user?.name ?? ""} />
        <h2>{user?.name}</h2>
        {account && account.email !== user?.name && <p class="faint">{account.email}</p>}
      </div>
      <Failure text={work.failure} />
      <Group title={t.settings.privacy}>
        <Switch
          label={t.settings.presence}
          text={t.settings.presenceText}
          isOn={account?.settings.presence ?? null}
          onChange={(presence) => change({ presence })}
        />
        <Switch
          label={t.settings.receipts}
          text={t.settings.receiptsText}
          isOn={account?.settings.read_receipts ?? null}
          onChange={(read_receipts) => change({ read_receipts })}
        />
      </Group>
      <Notifications />
      <Group title={t.settings.key}>
        <Row title={t.settings.keyMode} text={t.settings.keyCompatible} />
        <Row title={t.settings.exportKey} text={t.settings.keyText}>
          <button type="button" onClick={() => setOpen("key")}>
            {t.settings.exportButton}
          </button>
        </Row>
        <Row title={t.settings.lock} text={hasPassphrase ? t.settings.lockOn : t.settings.lockOff}>
          {hasPassphrase ? (
            <>
              <button type="button" onClick={() => void calls().lock()}>
                {t.settings.lockNow}
              </button>
              <button type="button" onClick={() => setOpen("remove")}>
                {t.settings.lockRemove}
              </button>
            </>
          ) : (
            <button type="button" onClick={() => setOpen("passphrase")}>
              {t.settings.lockSet}
            </button>
          )}
        </Row>
        <Row title={t.settings.storage} text={isPersisted ? t.settings.persisted : t.settings.notPersisted} />
      </Group>
      <Group title={t.settings.security}>
        <a class="row-link" href={pathOf({ at: "devices" })}>
          {t.settings.devices}
        </a>
        <a class="row-link" href={pathOf({ at: "security" })}>
          {t.settings.about}
        </a>
        <Row title={t.settings.password}>
          <button type="button" onClick={() => setOpen("password")}>
            {t.settings.passwordButton}
          </button>
        </Row>
      </Group>
      <Group title={t.settings.data}>
        <Row title={t.settings.export} text={t.settings.exportText}>
          <button
            type="button"
            onClick={() =>
              work.run(async () =>
                saveFile("fluent-conversations.json", "application/json", await calls().exportHistory()),
              )
            }
          >
            {t.settings.exportButton}
          </button>
        </Row>
        <Row title={t.settings.signOut} text={t.settings.signOutText}>
          <button type="button" onClick={() => setOpen("sign_out")}>
            {t.settings.signOut}
          </button>
        </Row>
        <Row title={t.settings.delete} text={t.settings.deleteText}>
          <button type="button" class="danger" onClick={() => setOpen("delete")}>
            {t.settings.deleteButton}
          </button>
        </Row>
      </Group>
      <p class="faint">{t.settings.version(VERSION)}</p>
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
      <Dialog title={t.settings.password} onClose={onClose}>
        <p role="status">{t.settings.passwordDone}</p>
        <div class="buttons">
          <button type="button" class="primary" onClick={onClose}>
            {t.close}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t.settings.password} onClose={onClose}>
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
        <Field label={t.settings.passwordOld} name="old" type="password" autocomplete="current-password" required />
        <Field
          label={t.settings.passwordNew}
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
            {t.settings.passwordButton}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function KeyDialog({ onClose }: { onClose(): void }): JSX.Element {
  const work = useWork();
  return (
    <Dialog title={t.settings.exportKey} onClose={onClose}>
      <p>{t.settings.keyText}</p>
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
        <Field label={t.settings.exportPassphrase} name="passphrase" type="password" autocomplete="new-password" />
        <Failure text={work.failure} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="primary" disabled={work.isBusy}>
            <Icon name="file" />
            {work.isBusy ? t.enter.working : t.settings.exportButton}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function DeleteDialog({ onClose }: { onClose(): void }): JSX.Element {
  const work = useWork();
  return (
    <Dialog title={t.settings.delete} onClose={onClose}>
      <p>{t.settings.deleteText}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          const code = String(data.get("code")).trim() || null;
          work.run(() => calls().deleteAccount(String(data.get("password")), code));
        }}
      >
        <Field
          label={t.settings.deletePassword}
          name="password"
          type="password"
          autocomplete="current-password"
          required
        />
        <Field label={`${t.enter.code} (${t.settings.ifFactor})`} name="code" autocomplete="one-time-code" />
        <Failure text={work.failure} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="danger" disabled={work.isBusy}>
            {t.settings.deleteYes}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
