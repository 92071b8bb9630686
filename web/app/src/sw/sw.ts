/**
 * Keeps the files of one version of the program, so that it opens without a network. Nothing of the server's API.
 *
 * Shows a plain notification when the push service wakes it: it knows of no message, and reads none.
 */
import { t } from "../texts/notification.js";

interface Extendable extends Event {
  waitUntil(promise: Promise<unknown>): void;
}

interface Fetched extends Extendable {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

interface Clicked extends Extendable {
  readonly notification: Notification;
}

/** A page of the program. */
interface Window {
  readonly visibilityState: string;
  focus(): Promise<unknown>;
}

const scope = globalThis as unknown as {
  addEventListener(name: "install" | "activate", listener: (event: Extendable) => void): void;
  addEventListener(name: "fetch", listener: (event: Fetched) => void): void;
  addEventListener(name: "push", listener: (event: Extendable) => void): void;
  addEventListener(name: "notificationclick", listener: (event: Clicked) => void): void;
  addEventListener(name: "message", listener: (event: MessageEvent) => void): void;
  skipWaiting(): Promise<void>;
  registration: { showNotification(title: string, options: NotificationOptions): Promise<void> };
  clients: {
    claim(): Promise<void>;
    matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<readonly Window[]>;
    openWindow(url: string): Promise<unknown>;
  };
};

const CACHE = `fluent-${VERSION}`;
const HOME = "/app/";

scope.addEventListener("install", (event) => {
  const files = FILES.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(files)));
});

scope.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const names = await caches.keys();
      const others = names.filter((name) => name.startsWith("fluent-") && name !== CACHE);
      await Promise.all(others.map((name) => caches.delete(name)));
      await scope.clients.claim();
    })(),
  );
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || url.search !== "") return;
  const file = url.pathname === "/app/index.html" ? HOME : url.pathname;
  if (!FILES.includes(file)) return;
  event.respondWith(
    caches
      .open(CACHE)
      .then((cache) => cache.match(file))
      .then((kept) => kept ?? fetch(request)),
  );
});

const pages = () => scope.clients.matchAll({ type: "window", includeUncontrolled: true });

scope.addEventListener("push", (event) => {
  const show = async () => {
    // Who looks at the program sees what is new there.
    if ((await pages()).some(({ visibilityState }) => visibilityState === "visible")) return;
    const icon = "/app/icon-192.png";
    // One notification, however often it is woken.
    await scope.registration.showNotification(t.title, { body: t.body, tag: "wake", icon, badge: icon });
  };
  event.waitUntil(show());
});

scope.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const open = async () => {
    const [page] = await pages();
    await (page ? page.focus() : scope.clients.openWindow(HOME));
  };
  event.waitUntil(open());
});

scope.addEventListener("message", ({ data, ports }) => {
  if (data === "use") void scope.skipWaiting();
  else if (data === "version") ports[0]?.postMessage(VERSION);
});
