/**
 * The Worker of a tab. One of all tabs holds the lock and is connected; the others wait for it, so that the next goes on
 * at once when a tab is closed.
 */
import { CHANNEL, type CallName, type Envelope, type News } from "../bridge/protocol.js";
import { Attention } from "./attention.js";
import { entering } from "./entering.js";
import { failureOf } from "./failure.js";
import { Session } from "./session.js";
import { settling } from "./settling.js";
import { talking } from "./talking.js";

addEventListener("message", ({ data }: MessageEvent<{ server: string }>) => {
  const { server } = data;
  void navigator.locks.request(`fluent ${server}`, () => lead(server));
});

/** Is connected for all tabs, until this one is closed. */
async function lead(server: string): Promise<never> {
  const channel = new BroadcastChannel(`${CHANNEL} ${server}`);
  const post = (envelope: Envelope) => channel.postMessage(envelope);
  const tell = (news: News) => post({ to: "page", kind: "news", news });
  const session = new Session(server, crypto.randomUUID(), tell);
  const calls = { ...entering(session), ...talking(session), ...settling(session) };
  const attention = new Attention(
    () => session.account?.client.suspend(),
    () => session.wake(),
  );
  const sendSnapshot = async () => post({ to: "page", kind: "snapshot", snapshot: await session.snapshot() });

  const started = session.start();
  channel.addEventListener("message", ({ data }: MessageEvent<Envelope>) => {
    if (data.to !== "worker") return;
    if (data.kind === "bye") return attention.forget(data.tab);
    if (data.kind === "call") return void answer(data.tab, data.id, data.name, data.args);
    attention.look(data.tab, data.isVisible);
    if (data.kind === "hello") void sendSnapshot();
  });

  async function answer(tab: string, id: number, name: CallName, args: unknown[]): Promise<void> {
    try {
      await started;
      const value = await (calls[name] as (...args: unknown[]) => Promise<unknown>)(...args);
      post({ to: "page", kind: "answer", tab, id, value });
    } catch (error) {
      post({ to: "page", kind: "answer", tab, id, failure: failureOf(error) });
    }
  }

  await started;
  await sendSnapshot();
  return new Promise<never>(() => {});
}
