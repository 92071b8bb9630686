/** Signing in, and making an account. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { calls } from "../page/calls.js";
import { app } from "../page/state.js";
import { t } from "../texts.js";
import { Card } from "./card.js";
import { Confirm, Failure, Field, useWork } from "./parts.js";

type Mode = "sign_in" | "register";

/** Reads what was typed into a form. */
function typed(event: Event): (name: string) => string {
  event.preventDefault();
  const data = new FormData(event.currentTarget as HTMLFormElement);
  return (name) => String(data.get(name) ?? "");
}

export function Enter({ notice }: { notice: string | null }): JSX.Element {
  const { known, user, signedOut } = app.value;
  const name = user?.name || known[0] || "";
  const [mode, setMode] = useState<Mode>(known.length > 0 || signedOut !== null ? "sign_in" : "register");
  const [challenge, setChallenge] = useState<{ username: string; challenge: string } | null>(null);
  if (challenge) return <SecondStep {...challenge} onBack={() => setChallenge(null)} />;
  const message = notice ?? (signedOut === null ? null : t.enter.ended);
  return (
    <Card title={t.enter.title}>
      {message && (
        <p class="notice" role="status">
          {message}
        </p>
      )}
      <div class="tabs" role="group" aria-label={t.enter.title}>
        {(["register", "sign_in"] as const).map((one) => (
          <button key={one} type="button" aria-pressed={mode === one} onClick={() => setMode(one)}>
            {one === "sign_in" ? t.enter.signIn : t.enter.register}
          </button>
        ))}
      </div>
      {mode === "sign_in" ? (
        <SignIn name={name} onChallenge={(username, challenge) => setChallenge({ username, challenge })} />
      ) : (
        <Register />
      )}
      <p class="foot">
        <a href="#/security">{t.enter.about}</a>
      </p>
    </Card>
  );
}

function SignIn({ name, onChallenge }: { name: string; onChallenge(username: string, challenge: string): void }) {
  const work = useWork();
  const [removing, setRemoving] = useState<string | null>(null);
  const { known } = app.value;
  const submit = (event: Event) => {
    const value = typed(event);
    const username = value("username").trim();
    work.run(async () => {
      const { challenge } = await calls().signIn(username, value("password"));
      if (challenge !== null) onChallenge(username, challenge);
    });
  };
  return (
    <form onSubmit={submit}>
      <Field label={t.enter.username} name="username" autocomplete="username" defaultValue={name} required />
      <Field label={t.enter.password} name="password" type="password" autocomplete="current-password" required />
      <p class="keys">{t.enter.keysSignIn}</p>
      <Failure text={work.failure} />
      <button class="primary wide" disabled={work.isBusy}>
        {work.isBusy ? t.enter.working : t.enter.signIn}
      </button>
      {known.map((one) => (
        <button key={one} type="button" class="link" onClick={() => setRemoving(one)}>
          {t.enter.remove(one)}
        </button>
      ))}
      {removing !== null && (
        <Confirm
          title={t.enter.removeTitle}
          text={t.enter.removeText(removing)}
          yes={t.enter.removeYes}
          isDangerous
          onClose={() => setRemoving(null)}
          onYes={() => calls().forget(removing)}
        />
      )}
    </form>
  );
}

function Register() {
  const work = useWork();
  const [mode, setMode] = useState("open");
  useEffect(() => {
    calls()
      .registration()
      .then((registration) => setMode(registration.mode))
      .catch(() => {});
  }, []);
  const submit = (event: Event) => {
    const value = typed(event);
    const [username, email] = [value("username").trim(), value("email").trim()];
    work.run(() => calls().register({ username, email, password: value("password"), invite: value("invite").trim() }));
  };
  if (mode === "closed") return <p class="notice">{t.failures["registration_closed"]}</p>;
  return (
    <form onSubmit={submit}>
      <Field label={t.enter.username} name="username" autocomplete="username" maxLength={254} required />
      <Field label={t.enter.email} hint={t.enter.emailHint} name="email" type="email" autocomplete="email" required />
      <Field
        label={t.enter.password}
        hint={t.enter.passwordHint}
        name="password"
        type="password"
        autocomplete="new-password"
        minLength={8}
        maxLength={256}
        required
      />
      {mode === "invite" && <Field label={t.enter.invite} name="invite" autocomplete="off" required />}
      <p class="keys">{t.enter.keysRegister}</p>
      <Failure text={work.failure} />
      <button class="primary wide" disabled={work.isBusy}>
        {work.isBusy ? t.enter.working : t.enter.register}
      </button>
    </form>
  );
}

function SecondStep({ username, challenge, onBack }: { username: string; challenge: string; onBack(): void }) {
  const work = useWork();
  const submit = (event: Event) => {
    const code = typed(event)("code").trim();
    work.run(() => calls().signInWithCode(username, challenge, code));
  };
  return (
    <Card title={t.enter.codeTitle}>
      <form onSubmit={submit}>
        <Field label={t.enter.code} hint={t.enter.codeHint} name="code" autocomplete="one-time-code" required />
        <Failure text={work.failure} />
        <button class="primary wide" disabled={work.isBusy}>
          {t.enter.confirm}
        </button>
        <button type="button" class="link" onClick={onBack}>
          {t.back}
        </button>
      </form>
    </Card>
  );
}
