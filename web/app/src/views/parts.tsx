/** Small parts of all screens. */
import type { ComponentChildren, InputHTMLAttributes, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { CallError } from "../bridge/bridge.js";
import { hue, initial } from "../lib/format.js";
import type { Tick } from "../lib/lines.js";
import { failureText, t } from "../texts.js";

/** Colours of avatars in app.css. */
const HUES = 8;

const PATHS = {
  back: "M15 5l-7 7 7 7",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.200 15.200L20 20",
  close: "M6 6l12 12M18 6L6 18",
  more: "M12 5.500v.01M12 12v.01M12 18.500v.01",
  send: "M5 12h13M12 5.500l6.500 6.500-6.500 6.500",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5.500 11h13v9h-13z",
  timer: "M12 8v5l3 2M9 2.500h6M12 5a8 8 0 1 0 0 16 8 8 0 0 0 0-16z",
  reply: "M9 7l-5 5 5 5M4 12h9a7 7 0 0 1 7 7",
  down: "M6 9l6 6 6-6",
  verified: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM8.500 12l2.500 2.500 4.500-5",
  key: "M8 11.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM11.200 12.800L20 4M16 8l3 3M13.500 10.500l1.500 1.500",
  warning: "M12 4l9 16H3zM12 10v4M12 17v.01",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  chat: "M4 5h16v11H11l-5 4v-4H4z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return <Drawing path={PATHS[name]} kind={name === "more" ? "icon dots" : "icon"} />;
}

/** An icon by its lines. */
export function Drawing({ path, kind = "icon" }: { path: string; kind?: string }): JSX.Element {
  return (
    <svg class={kind} viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

/** The sign of the program. */
export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 64 64" aria-hidden="true">
      <rect width="64" height="64" rx="15" />
      <path d="M13 20a7 7 0 0 1 7-7h24a7 7 0 0 1 7 7v15a7 7 0 0 1-7 7H31l-11 9v-9a7 7 0 0 1-7-7z" />
      <path d="M26 27v-3.500a6 6 0 0 1 12 0V27h1.500a1.500 1.500 0 0 1 1.500 1.500v7a1.500 1.500 0 0 1-1.500 1.500h-15a1.500 1.500 0 0 1-1.500-1.500v-7a1.500 1.500 0 0 1 1.500-1.500zm3 0h6v-3.500a3 3 0 0 0-6 0z" />
    </svg>
  );
}

export function Avatar({ name, isOnline = false }: { name: string; isOnline?: boolean }): JSX.Element {
  return (
    <span class={`avatar hue-${hue(name, HUES)}`} aria-hidden="true">
      {initial(name)}
      {isOnline && <span class="dot" />}
    </span>
  );
}

const TICKS: Record<Tick | "waiting" | "failed", string> = {
  waiting: "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM8 5.500V8l2 1.200",
  failed: "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM8 5v4M8 11v.01",
  sent: "M4 8.500l3 3 6-7",
  delivered: "M1.500 8.500l3 3 6-7M7.500 11l.5.5 6-7",
  read: "M1.500 8.500l3 3 6-7M7.500 11l.5.5 6-7",
};

/** How far a message has come. */
export function Ticks({ state }: { state: Tick | "waiting" | "failed" }): JSX.Element {
  return (
    <svg class={`ticks ${state}`} viewBox="0 0 16 16" role="img" aria-label={t.ticks[state]}>
      <path d={TICKS[state]} />
    </svg>
  );
}

export interface FieldProps {
  label: string;
  hint?: string;
  type?: "text" | "password" | "email";
  name?: string;
  autocomplete?: string;
  defaultValue?: string;
  value?: string;
  required?: boolean;
  minLength?: number;
  maxLength?: number;
  onInput?(event: { currentTarget: HTMLInputElement }): void;
}

/** An input with its label. */
export function Field({ label, hint, type = "text", ...input }: FieldProps): JSX.Element {
  const id = useId();
  const [isShown, setShown] = useState(false);
  const isSecret = type === "password";
  const attributes = {
    ...input,
    id,
    type: isSecret && isShown ? "text" : type,
    ...(hint ? { "aria-describedby": `${id}-hint` } : {}),
  } as InputHTMLAttributes<HTMLInputElement>;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="input">
        <input {...attributes} />
        {isSecret && (
          <button type="button" class="inside" aria-pressed={isShown} onClick={() => setShown(!isShown)}>
            {isShown ? t.enter.hidePassword : t.enter.showPassword}
          </button>
        )}
      </div>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** Runs one thing at a time that may fail. */
export function useWork(): {
  isBusy: boolean;
  failure: string | null;
  run(work: () => Promise<void>): void;
  clear(): void;
} {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const isMounted = useRef(true);
  useEffect(() => () => void (isMounted.current = false), []);
  const run = (work: () => Promise<void>) => {
    if (isBusy) return;
    setBusy(true);
    setFailure(null);
    void work()
      .catch((error: unknown) => {
        if (isMounted.current) setFailure(failureText(error instanceof CallError ? error.code : "unknown"));
      })
      .finally(() => isMounted.current && setBusy(false));
  };
  return { isBusy, failure, run, clear: () => setFailure(null) };
}

export function Failure({ text }: { text: string | null }): JSX.Element {
  return (
    <p class="failure" role="alert">
      {text}
    </p>
  );
}

/** A window above everything else. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose(): void;
  children: ComponentChildren;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="body">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

/** A question whose answer does something. */
export function Confirm({
  title,
  text,
  yes,
  isDangerous = false,
  onClose,
  onYes,
}: {
  title: string;
  text: string;
  yes: string;
  isDangerous?: boolean;
  onClose(): void;
  onYes(): Promise<void>;
}): JSX.Element {
  const work = useWork();
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <Failure text={work.failure} />
      <div class="buttons">
        <button type="button" onClick={onClose}>
          {t.cancel}
        </button>
        <button
          type="button"
          class={isDangerous ? "danger" : "primary"}
          disabled={work.isBusy}
          onClick={() => work.run(() => onYes().then(onClose))}
        >
          {yes}
        </button>
      </div>
    </Dialog>
  );
}

/** Lets the person save something as a file. */
export function saveFile(name: string, type: string, content: string | Blob): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
