import assert from "node:assert/strict";
import { test } from "node:test";

type Listener = (event: { waitUntil(promise: Promise<unknown>): void; [key: string]: unknown }) => void;

/** The service worker, in a browser that is played here. */
const listeners = new Map<string, Listener>();
const world = {
  pages: [] as { visibilityState: string; focus(): Promise<void> }[],
  shown: [] as { title: string; options: NotificationOptions }[],
  opened: [] as string[],
  focused: 0,
};
Object.assign(globalThis, {
  VERSION: "v",
  FILES: [],
  addEventListener: (name: string, listener: Listener) => listeners.set(name, listener),
  registration: {
    showNotification: async (title: string, options: NotificationOptions) => void world.shown.push({ title, options }),
  },
  clients: {
    matchAll: async () => world.pages,
    openWindow: async (url: string) => void world.opened.push(url),
  },
});
await import("../src/sw/sw.js");

async function dispatch(name: string, event: Record<string, unknown> = {}): Promise<void> {
  let done: Promise<unknown> | undefined;
  listeners.get(name)?.({ ...event, waitUntil: (promise) => (done = promise) });
  assert.ok(done, `${name} waits for nothing`);
  await done;
}
const page = (visibilityState: string) => ({ visibilityState, focus: async () => void (world.focused += 1) });

test("a wake-up shows that there is something, whatever it says", async () => {
  world.pages = [page("hidden")];
  await dispatch("push", { data: { text: () => "markertext" } });
  assert.equal(world.shown.length, 1);
  const { title, options } = world.shown[0]!;
  assert.deepEqual([title, options.body, options.tag], ["Fluent", "New message", "wake"]);
  assert.ok(!JSON.stringify(options).includes("markertext"));
});

test("who looks at the program is not told", async () => {
  world.shown = [];
  world.pages = [page("hidden"), page("visible")];
  await dispatch("push");
  assert.deepEqual(world.shown, []);
});

test("a click opens the program, or the page that is there", async () => {
  let closed = 0;
  const notification = { close: () => (closed += 1) };
  world.pages = [];
  await dispatch("notificationclick", { notification });
  assert.deepEqual(world.opened, ["/app/"]);
  world.pages = [page("hidden")];
  await dispatch("notificationclick", { notification });
  assert.deepEqual([world.opened.length, world.focused, closed], [1, 1, 2]);
});
