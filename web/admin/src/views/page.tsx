/** The frame of the page: where one is, whether the server is heard, and the way to everything else. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { go, place, view, VIEWS } from "../data/place.js";
import { connection, overview } from "../data/live.js";
import { operator, signOut, token } from "../data/session.js";
import { Dialogs } from "../parts/dialog.js";
import { Icon } from "../parts/icon.js";
import { Skeleton } from "../parts/parts.js";
import { Connection } from "./connection.js";
import { isTyping, Keys } from "./keys.js";
import { hasFailed, loadViews, views } from "./later.js";
import { Now } from "./now.js";
import { SignIn } from "./sign-in.js";

export function Page(): JSX.Element {
  if (token.value === null) return <SignIn />;
  return <Frame />;
}

function Frame(): JSX.Element {
  const [hasKeys, showKeys] = useState(false);
  const main = useRef<HTMLElement>(null);
  const name = view.value?.path ?? null;
  const View = name === null ? Nowhere : name === "" ? Now : (views.value?.[name] ?? null);
  const isFirst = useRef(true);
  useEffect(() => {
    if (View === null) return;
    // Another view: the keyboard and screen readers begin at its head.
    if (!isFirst.current) main.current?.querySelector<HTMLElement>("h1")?.focus();
    isFirst.current = false;
    scrollTo(0, 0);
  }, [place.value.join("/"), View === null]);
  useEffect(() => {
    if (View === null) void loadViews();
  }, [View === null]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const chosen = VIEWS["1234567890".indexOf(event.key)];
      if (event.key === "?") showKeys(true);
      else if (event.key === "/") void search(main.current);
      else if (event.key.length === 1 && chosen) go(chosen.path);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const isStale = connection.value.kind === "lost";
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => toMain(event, main.current)}>
        Skip to the content
      </a>
      <Side onKeys={() => showKeys(true)} />
      <main ref={main} id="main" tabIndex={-1} class={isStale ? "stale" : undefined}>
        <Connection />
        <div class="view">
          {View === null ? <Coming /> : <View key={name ?? "nowhere"} />}
        </div>
      </main>
      <Dialogs />
      {hasKeys && <Keys onClose={() => showKeys(false)} />}
    </>
  );
}

/** What is shown until a view is loaded. */
function Coming(): JSX.Element {
  if (!hasFailed.value) return <Skeleton />;
  return (
    <div class="failed" role="alert">
      <p>This view could not be loaded. After an upgrade of the server the page must be loaded anew.</p>
      <button type="button" onClick={() => void loadViews()}>
        Try again
      </button>
      <button type="button" onClick={() => location.reload()}>
        Load the page anew
      </button>
    </div>
  );
}

/** Goes where one searches: in this view, or else among people. */
async function search(main: HTMLElement | null): Promise<void> {
  const box = main?.querySelector<HTMLInputElement>("input[type=search]");
  if (box) return box.focus();
  await loadViews();
  go("people");
  requestAnimationFrame(() =>
    requestAnimationFrame(() => main?.querySelector<HTMLInputElement>("input[type=search]")?.focus()),
  );
}

/** The address behind the `#` names views, so the link itself must not change it. */
function toMain(event: Event, main: HTMLElement | null): void {
  event.preventDefault();
  main?.focus();
}

function Side({ onKeys }: { onKeys: () => void }): JSX.Element {
  const server = overview.value;
  const who = operator.value;
  const current = view.value?.path;
  const strip = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const link = strip.current?.querySelector<HTMLElement>("[aria-current]");
    if (link && strip.current) strip.current.scrollLeft = link.offsetLeft - strip.current.clientWidth / 2 + link.clientWidth / 2;
  }, [current]);
  return (
    <header class="side">
      <div class="brand">
        <img src="/admin/icon.svg" alt="" width="28" height="28" />
        <div>
          <strong>Fluent</strong>
          <span class="soft">{server ? server.node : "operators"}</span>
        </div>
      </div>
      <nav aria-label="Views">
        <ul ref={strip} onPointerOver={() => void loadViews()} onFocusIn={() => void loadViews()}>
          {VIEWS.map(({ path, name, icon }) => (
            <li key={path}>
              <a href={`#/${path}`} aria-current={path === current ? "page" : undefined}>
                <Icon name={icon} />
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="who">
        <p class="soft">
          {who?.name ? `Token ${who.name}` : "Signed in"}
          {who?.scope ? `, ${who.scope}` : ""}
        </p>
        <button type="button" class="quiet" onClick={onKeys}>
          <Icon name="keys" />
          Keys
        </button>
        <button type="button" class="quiet" onClick={() => signOut()}>
          <Icon name="out" />
          Sign out
        </button>
        {server && (
          <p class="soft version">
            {server.version}
            {server.commit ? ` (${server.commit})` : ""} · <a href="/admin/licences.txt">licences</a>
          </p>
        )}
      </div>
    </header>
  );
}

function Nowhere(): JSX.Element {
  return (
    <>
      <h1 tabIndex={-1}>There is no such view</h1>
      <p>
        <a href="#/">To what happens now</a>
      </p>
    </>
  );
}
