/** The page: joins the Worker that is connected, or runs it. */
import { effect } from "@preact/signals";
import { render } from "preact";
import { CHANNEL, join } from "./bridge/bridge.js";
import { connect } from "./page/calls.js";
import { enterDemo, takeDemoCode } from "./page/demo.js";
import { server } from "./page/server.js";
import { app, isLookedAt, takeNews, takeSnapshot, unread, update } from "./page/state.js";
import { scriptUrl } from "./page/trusted.js";
import { t } from "./texts.js";
import { App } from "./views/app.js";
import { Insecure } from "./views/insecure.js";

const root = document.getElementById("app") as HTMLElement;

if (!isSecureContext || !crypto.subtle || !navigator.locks) render(<Insecure />, root);
else start();

function start(): void {
  const demoCode = takeDemoCode();
  const tab = crypto.randomUUID();
  const isVisible = () => document.visibilityState === "visible";
  const worker = new Worker(scriptUrl(WORKER_URL), { type: "module", name: "fluent" });
  worker.postMessage({ server });
  const channel = new BroadcastChannel(`${CHANNEL} ${server}`);
  const bridge = join(channel, tab, isVisible(), { onSnapshot: takeSnapshot, onNews: takeNews });
  connect(bridge);

  const look = () => {
    isLookedAt.value = isVisible() && document.hasFocus();
    bridge.seen(isVisible());
  };
  for (const name of ["focus", "blur", "online", "pageshow"]) addEventListener(name, look);
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", () => bridge.bye());

  effect(() => {
    if (app.value.phase !== "in" || !isLookedAt.value || globalThis.Notification?.permission !== "granted") return;
    void import("./page/push.js").then(({ resume }) => resume()).catch(() => {});
  });
  effect(() => {
    const count = app.value.phase === "in" ? unread.value : 0;
    document.title = count > 0 ? `(${count}) ${t.name}` : t.name;
  });
  render(<App />, root);
  if (demoCode !== null) void enterDemo(demoCode);
  void serveOffline();
}

/** Lets the service worker keep the program's files; a newer version waits until the person wants it. */
async function serveOffline(): Promise<void> {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const hadOne = serviceWorker.controller !== null;
  serviceWorker.addEventListener("controllerchange", () => hadOne && location.reload());
  const registration = await serviceWorker.register(scriptUrl("/app/sw.js"), { scope: "/app/" }).catch(() => null);
  if (!registration) return;
  const offer = (worker: ServiceWorker | null) => {
    if (!worker || !serviceWorker.controller) return;
    const answer = new MessageChannel();
    answer.port1.onmessage = ({ data }) => (update.value = { worker, version: String(data) });
    worker.postMessage("version", [answer.port2]);
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => worker.state === "installed" && offer(worker));
  });
  // A tab may be open for weeks.
  setInterval(() => void registration.update().catch(() => {}), 3_600_000);
}
