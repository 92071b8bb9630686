/** Who is signed in: the one account that is open, and what pages are told of it. */
import type { ConnectionState } from "../../../../sdk/typescript/src/client/engine.js";
import type { AppState, News, Person, Snapshot } from "../bridge/protocol.js";
import { Account, Locked } from "./account.js";
import { isSameName, known, remember } from "./known.js";

const START: AppState = {
  phase: "starting",
  user: null,
  known: [],
  signedOut: null,
  connection: "signed_out",
  hasPassphrase: false,
  isPersisted: null,
  clockOffsetMs: 0,
  mediaBytes: null,
};

export class Session {
  account: Account | null = null;
  #state = START;
  /** Whose data waits for its passphrase. */
  locked: string | null = null;

  constructor(
    readonly server: string,
    readonly leader: string,
    readonly tell: (news: News) => void,
  ) {}

  /** Opens the account that was in use last. */
  async start(): Promise<void> {
    const { current, names } = await known(this.server);
    this.set({ known: names, isPersisted: (await navigator.storage?.persisted?.()) ?? null });
    if (current === null) return this.set({ phase: "signed_out" });
    await this.open(current, null).catch((error: unknown) => {
      if (!(error instanceof Locked)) throw error;
    });
  }

  /** Opens an account in place of the one that is open. */
  async open(name: string, passphrase: string | null): Promise<Account> {
    await this.close();
    try {
      const account = await Account.open(this.server, name, passphrase, {
        onNews: (news) => this.tell(news),
        onConnection: (state) => void this.#connection(state),
        onHello: (about) => this.set(about),
      });
      this.account = account;
      this.locked = null;
      await this.settle();
      return account;
    } catch (error) {
      if (error instanceof Locked) {
        this.locked = name;
        this.set({ phase: "locked", user: { id: 0, name }, hasPassphrase: true });
      }
      throw error;
    }
  }

  /** Returns the account of this name, open. */
  async use(name: string): Promise<Account> {
    const { account } = this;
    return account && isSameName(account.name, name) ? account : this.open(name, null);
  }

  /** Returns the account of whoever is signed in. */
  get mine(): Account {
    if (!this.account) throw new Error("nobody is signed in");
    return this.account;
  }

  /** After a sign-in: the account is the one that is opened next time too. */
  async signedIn(): Promise<void> {
    await remember(this.server, this.mine.name);
    this.set({ known: (await known(this.server)).names, signedOut: null });
    await this.mine.begin();
    void this.mine.book?.load().catch(() => {});
    await this.settle();
  }

  /** Finds out what the person must do first, and shows that. */
  async settle(): Promise<void> {
    const { account } = this;
    if (!account) return;
    const user = await account.store.get("user");
    const { hasPassphrase, client, clockOffsetMs } = account;
    const { mediaBytes } = account.program;
    const person: Person | null = user && { id: user.id, name: user.username };
    const connection = plain(client.state);
    const state = {
      user: person ?? { id: 0, name: account.name },
      hasPassphrase,
      connection,
      clockOffsetMs,
      mediaBytes,
    };
    if (!(await account.isSignedIn())) return this.set({ ...state, phase: "signed_out" });
    const isSaved = account.program.isKeySaved || hasPassphrase;
    // Without a network, and without having known it, the key is taken to be the right one.
    const hasKey = await client.hasKey().catch(() => true);
    const phase = !hasKey ? "no_key" : isSaved ? "in" : "save_key";
    const isEntering = this.#state.phase !== "in" && phase === "in";
    this.set({ ...state, phase });
    if (isEntering) this.tell({ chats: account.book?.chats() ?? [], isWhole: true });
  }

  /** Wants the connection now, if somebody is signed in. */
  wake(): void {
    if (["in", "save_key", "no_key"].includes(this.#state.phase)) this.account?.client.wake();
  }

  set(change: Partial<AppState>): void {
    this.#state = { ...this.#state, ...change };
    this.tell({ state: this.#state });
  }

  async close(): Promise<void> {
    const { account } = this;
    this.account = null;
    this.locked = null;
    await account?.close();
    this.tell({ chats: [], isWhole: true });
  }

  async snapshot(): Promise<Snapshot> {
    const { account } = this;
    return {
      leader: this.leader,
      state: this.#state,
      chats: account?.book?.chats() ?? [],
      pending: account ? await account.pending() : [],
      presence: [...(account?.presence ?? [])],
    };
  }

  async #connection(state: ConnectionState): Promise<void> {
    this.set({ connection: plain(state) });
    if (typeof state === "object" && "stopped" in state) {
      const { stopped } = state;
      if (typeof stopped === "object" && "sign_in" in stopped) {
        this.set({ phase: "signed_out", signedOut: stopped.sign_in });
      }
    }
  }
}

/** An error cannot be posted to a page as it is. */
function plain(state: ConnectionState): AppState["connection"] {
  return typeof state === "object" && "broken" in state ? { broken: String(state.broken) } : state;
}
