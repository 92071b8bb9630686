/** Waking this browser by its push service: the subscription of the browser, and its address at the server. */
import { calls } from "./calls.js";
import { app } from "./state.js";

/** Why this browser cannot be woken, or that it is or is not. */
export type PushState = "on" | "off" | "denied" | "unsupported" | "not_offered";

/** The user for whom this page has said where it is. */
let registered = 0;

/** Returns how things stand. */
export async function pushState(): Promise<PushState> {
  const { key, isWanted } = await calls().push();
  if (key === null) return "not_offered";
  if (!("PushManager" in globalThis) || !("Notification" in globalThis)) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return isWanted && Notification.permission === "granted" ? "on" : "off";
}

/** Asks the person, subscribes, and tells the server. Called by a click: browsers ask at no other time. */
export async function switchOn(): Promise<PushState> {
  if ((await Notification.requestPermission()) !== "granted") return pushState();
  await subscribe();
  return pushState();
}

export async function switchOff(): Promise<PushState> {
  registered = 0;
  await calls().setPush(null);
  await (await (await registration()).pushManager.getSubscription())?.unsubscribe();
  return pushState();
}

/** Says anew where this browser is, at each start: addresses change. Takes away what is shown, since somebody looks. */
export async function resume(): Promise<void> {
  const user = app.value.user?.id ?? 0;
  const { key, isWanted } = await calls().push();
  if (key !== null && isWanted && registered !== user) {
    registered = user;
    await subscribe();
  }
  await clear();
}

/** Takes away what is shown of wake-ups. */
export async function clear(): Promise<void> {
  for (const shown of await (await registration()).getNotifications()) shown.close();
}

async function subscribe(): Promise<void> {
  const { key } = await calls().push();
  if (key === null) return;
  const { pushManager } = await registration();
  const applicationServerKey = Uint8Array.from(atob(key.replaceAll("-", "+").replaceAll("_", "/")), (one) =>
    one.charCodeAt(0),
  );
  const known = await pushManager.getSubscription();
  // The server has another key than it had: what was subscribed with the old one is not woken any more.
  const isSame = known && same(known.options.applicationServerKey, applicationServerKey);
  if (known && !isSame) await known.unsubscribe();
  const subscription =
    known && isSame ? known : await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  const { endpoint, keys } = subscription.toJSON();
  await calls().setPush({ endpoint: endpoint ?? "", p256dh: keys?.["p256dh"] ?? "", auth: keys?.["auth"] ?? "" });
}

function registration(): Promise<ServiceWorkerRegistration> {
  return navigator.serviceWorker.ready;
}

function same(one: ArrayBuffer | null, other: Uint8Array): boolean {
  const bytes = new Uint8Array(one ?? new ArrayBuffer());
  return bytes.length === other.length && bytes.every((byte, index) => byte === other[index]);
}
