/** A page's side of the channel: asks the connected Worker, whichever tab runs it, and hears its news. */
import {
  CHANNEL,
  type CallName,
  type Calls,
  type Envelope,
  type Failure,
  type News,
  type Snapshot,
} from "./protocol.js";

/** Calls that change nothing: a new Worker is asked again. */
const REPEATABLE = new Set<CallName>([
  "registration",
  "find",
  "search",
  "history",
  "message",
  "parts",
  "safetyNumber",
  "account",
  "sessions",
  "read",
  "keepDraft",
  "openFile",
  "stopFile",
  "push",
  "wake",
]);

/** A call that has failed. */
export class CallError extends Error implements Failure {
  override readonly name = "CallError";
  readonly code: string;
  readonly detail: string;
  readonly retryAfterMs: number | null;

  constructor({ code, detail, retryAfterMs }: Failure) {
    super(detail);
    [this.code, this.detail, this.retryAfterMs] = [code, detail, retryAfterMs];
  }
}

type Asked = {
  [Name in CallName]: (...args: Parameters<Calls[Name]>) => Promise<ReturnType<Calls[Name]>>;
};

interface Waiting {
  name: CallName;
  args: unknown[];
  resolve(value: unknown): void;
  reject(error: CallError): void;
}

export interface BridgeEvents {
  onSnapshot(snapshot: Snapshot): void;
  onNews(news: News): void;
}

export interface Bridge {
  readonly calls: Asked;
  /** Says whether somebody looks at this page. */
  seen(isVisible: boolean): void;
  bye(): void;
}

/** Joins the channel. Calls wait until a Worker answers. */
export function join(channel: BroadcastChannel, tab: string, isVisible: boolean, events: BridgeEvents): Bridge {
  const waiting = new Map<number, Waiting>();
  let leader: string | null = null;
  let lastId = 0;
  const post = (envelope: Envelope) => channel.postMessage(envelope);
  const ask = (id: number, { name, args }: Waiting) => post({ to: "worker", kind: "call", tab, id, name, args });

  function meet(snapshot: Snapshot): void {
    if (leader !== snapshot.leader) {
      const isFirst = leader === null;
      leader = snapshot.leader;
      for (const [id, call] of waiting) {
        if (isFirst || REPEATABLE.has(call.name)) ask(id, call);
        else {
          waiting.delete(id);
          call.reject(new CallError({ code: "interrupted", detail: "another tab was in charge", retryAfterMs: null }));
        }
      }
    }
    events.onSnapshot(snapshot);
  }

  channel.addEventListener("message", ({ data }: MessageEvent<Envelope>) => {
    if (data.to !== "page") return;
    if (data.kind === "snapshot") meet(data.snapshot);
    else if (data.kind === "news") events.onNews(data.news);
    else if (data.tab === tab) {
      const call = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.failure) call?.reject(new CallError(data.failure));
      else call?.resolve(data.value);
    }
  });
  post({ to: "worker", kind: "hello", tab, isVisible });

  const calls = new Proxy({} as Asked, {
    get:
      (_, name: CallName) =>
      (...args: unknown[]) => {
        const answer = new Promise((resolve, reject) => {
          const call = { name, args, resolve, reject };
          waiting.set(++lastId, call);
          if (leader !== null) ask(lastId, call);
        });
        // Who does not wait for it need not handle its failure.
        answer.catch(() => {});
        return answer;
      },
  });
  return {
    calls,
    seen: (isVisible) => post({ to: "worker", kind: "seen", tab, isVisible }),
    bye: () => post({ to: "worker", kind: "bye", tab }),
  };
}

export { CHANNEL };
