/** A client of one user on one device. */
import { Api, ApiError, type ApiOptions, type TokenStore, Unreachable } from "./api.js";
import type { Cipher } from "./cipher.js";
import { Emitter } from "./client/emitter.js";
import { type ConnectionState, Engine } from "./client/engine.js";
import { asKept } from "./client/kept.js";
import type { WebSocketConstructor } from "./client/link.js";
import { allConversations, reload } from "./client/reload.js";
import { onWake } from "./client/platform.js";
import { type DraftFields, Sender, type SendOptions } from "./client/sender.js";
import type { Sent } from "./client/sent.js";
import { Texts, type ShownMessage } from "./client/texts.js";
import type { Notice } from "./machine.js";
import type { Store, StoredMessage } from "./store.js";
import { uuidv7 } from "./uuid.js";
import type {
  Conversation,
  DeleteFor,
  Draft,
  ErrorFrame,
  EventFrame,
  HelloFrame,
  KeyedUser,
  Profile,
  User,
} from "./wire.js";

/** Messages that are decrypted together: what they say is kept by one transaction. */
const AT_ONCE = 32;

/** What a client is made with. */
export interface ClientOptions extends Pick<ApiOptions, "fetch" | "lock"> {
  /** The address of the server, such as `https://chat.example.org`. */
  server: string;
  store: Store;
  cipher: Cipher;
  /** The WebSocket to use where the platform has none: Node before 22. */
  WebSocket?: WebSocketConstructor;
  /** Whether the user is not to appear online. */
  isBackground?: boolean;
  /** Whether messages may be encrypted with this key of a user; any, unless given. Sending fails with `KeyNotTrusted`. */
  trusts?(user: KeyedUser): boolean | Promise<boolean>;
}

/** What a client reports. */
export interface ClientEvents {
  /**
   * A message that is new to this device, on disk and decrypted: each once, those of the user too. On a new device also
   * those that the person has not read yet; everything older is history.
   */
  message: ShownMessage;
  /**
   * Messages that have come by the socket are on disk, and not decrypted yet: what a screen needs that shows the newest
   * first, by {@link Client.here}. Behind many that wait to be decrypted `message` comes much later.
   */
  arrived: readonly StoredMessage[];
  state: ConnectionState;
  /** Anything else that is kept: receipts, deletions, changed keys, blocks, deleted accounts. */
  event: Exclude<EventFrame, { type: "message" }>;
  typing: { user_id: number; active: boolean };
  presence: { user_id: number; is_online: boolean; last_seen: string | null };
  /** A socket is open: its limits, and the time of the server. */
  hello: HelloFrame;
  /** The messages that are not stored yet have changed. */
  outbox: undefined;
  /** A message will not be sent; it waits for {@link Client.retry} or {@link Client.discard}. */
  failed: { draft: Draft; code: string };
  /** A frame that is no message was refused. */
  refused: ErrorFrame;
  /** History was loaded: what is shown may have changed anywhere. */
  reloaded: undefined;
}

/** A client: opens, signs in, sends, and reports what happens. */
export class Client {
  readonly api: Api;
  readonly #options: ClientOptions;
  readonly #store: Store;
  readonly #cipher: Cipher;
  readonly #emitter = new Emitter<ClientEvents>();
  readonly #sender: Sender;
  readonly #texts: Texts;
  #engine: Engine | null = null;
  #profile: Profile | null = null;
  #state: ConnectionState = "signed_out";
  /** The number of the last reload, whether it is done, and the messages that wait for that: all come in their order. */
  #reload = 0;
  #isReloaded = true;
  #heldBack: StoredMessage[] = [];
  readonly #stopListening = onWake(() => this.#engine?.wake());

  private constructor(options: ClientOptions) {
    const { server, store, cipher } = options;
    this.#options = { ...options, server: server.replace(/\/+$/, "") };
    [this.#store, this.#cipher] = [store, cipher];
    this.#texts = new Texts(cipher, store);
    this.api = new Api({ ...options, tokens: tokensIn(store) });
    this.#sender = new Sender({
      api: this.api,
      cipher,
      hasKey: () => this.hasKey(),
      store,
      trusts: options.trusts,
    });
  }

  /** Opens what is on this device, and connects when somebody is signed in. */
  static async open(options: ClientOptions): Promise<Client> {
    const client = new Client(options);
    const { store, cipher } = options;
    await cipher.open({
      load: () => store.get("keys"),
      save: async (keys) => void (await store.write([{ meta: "keys", value: keys }])),
    });
    if ((await store.get("tokens")) && (await store.get("user"))) await client.#start();
    return client;
  }

  /** Calls `listener` for each event of this name; returns what ends that. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (value: ClientEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Makes an account with a new key, and signs in. */
  async register(account: { username: string; email: string; password: string; invite?: string }): Promise<void> {
    if (this.#cipher.publicKey() === undefined) await this.#cipher.makeKeys();
    await this.api.register({ ...account, public_key: this.#cipher.publicKey() ?? "" });
    await this.signIn(account);
  }

  /**
   * Signs in. With a second factor it fails with an {@link ApiError} of code `second_factor_required`; then give the
   * `challenge` of its problem to {@link signInWithCode}.
   */
  async signIn({ username, password }: { username: string; password: string }): Promise<void> {
    await this.api.logIn(username, password);
    await this.#signedIn();
  }

  async signInWithCode(challenge: string, code: string): Promise<void> {
    await this.api.logInWithCode(challenge, code);
    await this.#signedIn();
  }

  /** Ends the login. What is on the device stays, so that the same user can go on with it. */
  async signOut(): Promise<void> {
    await this.#engine?.close();
    this.#engine = null;
    await this.api.logOut();
    this.#setState("signed_out");
  }

  /** Ends everything; what is on the device stays, and the login too. */
  async close(): Promise<void> {
    this.#stopListening();
    await this.#engine?.close();
    this.#engine = null;
    this.#texts.isOver = true;
    this.#store.close();
  }

  /** Whether this device has the key of the account: without it nothing is read, and nothing is sent. */
  async hasKey(): Promise<boolean> {
    const own = this.#cipher.publicKey();
    return own !== undefined && own === (await this.#me()).public_key;
  }

  /** Returns the user's account; without a network as it was fetched last. */
  profile(): Promise<Profile> {
    return this.#me();
  }

  /** Returns the private key as a file to be kept elsewhere. */
  exportKeys(): Promise<string> {
    return this.#cipher.exportKeys();
  }

  /** Takes the key of a file. It is the account's, or nothing is read with it: see {@link hasKey}. */
  importKeys(file: string): Promise<void> {
    return this.#cipher.importKeys(file);
  }

  /** Gives the account a new key. What was written to the old one can be read by nobody who has not kept that. */
  async replaceKey(password?: string): Promise<void> {
    await this.#cipher.makeKeys();
    await this.api.setPublicKey(this.#cipher.publicKey() ?? "", password);
    this.#profile = null;
  }

  /** Sends a text to a user. Resolves when it is in the outbox, on disk. */
  async send(to: number | Pick<User, "id">, text: string, more: SendOptions = {}): Promise<Sent> {
    return this.#sender.send(this.#running(), typeof to === "number" ? to : to.id, text, more);
  }

  /**
   * Encrypts a message of any type that the cipher knows, for {@link post}. A program that keeps the draft until the
   * outbox has it can post it again after a crash: the same bytes are the same message.
   */
  draft(to: number, text: string, fields: DraftFields): Promise<Draft> {
    return this.#sender.draft(to, text, fields);
  }

  /** Puts a message of {@link draft} into the outbox; `text` is what it says. */
  post(draft: Draft, text: string): Promise<Sent> {
    this.#sender.texts.set(draft.client_id, text);
    return this.#sender.post(this.#running(), [draft]);
  }

  /** Encrypts a message that has failed anew, and sends it under a new name. */
  async retry(clientId: string): Promise<void> {
    const failed = this.#running()
      .failed()
      .find(({ draft }) => draft.client_id === clientId);
    if (failed) await this.#sender.renew(this.#running(), failed.draft);
  }

  /** Gives up a message that has failed. */
  async discard(clientId: string): Promise<void> {
    await this.#running().post({ discarded: { client_id: clientId } });
  }

  /** Gives up all messages that have failed. */
  async discardFailed(): Promise<void> {
    await this.#running().post("discard_failed");
  }

  /** Returns the messages that are not stored yet, with what they say. */
  outbox(): Promise<{ draft: Draft; failed: string | null; text: string }[]> {
    return this.#store.get("outbox");
  }

  /** Says that the person has seen a partner's messages up to this one. */
  async read(message: Pick<StoredMessage, "sender_id" | "id">): Promise<void> {
    // One's own messages are read.
    if (message.sender_id === (await this.#store.get("user"))?.id) return;
    await this.#running().post({ seen: { partner: message.sender_id, id: message.id } });
  }

  /** Says that the person is typing, or has stopped. */
  async typing(to: number, active: boolean): Promise<void> {
    await this.#running().post({ typing: { to, active } });
  }

  /** Destroys a message: the own copy, or both. Needs the server. */
  async delete(id: number, side: DeleteFor): Promise<void> {
    const deleted = await this.api.deleteMessage(id, side);
    await this.#store.write([{ deleted: deleted.id }]);
  }

  /** Watches who of these users is online. */
  watch(users: readonly number[]): void {
    this.#running().watch(users);
  }

  /**
   * Returns the messages with a partner in pages, newest first: those on this device, and behind them those of the
   * server. Without a network it ends with what is here. `from`: begins before the message of this id.
   */
  async *history(partner: number | Pick<User, "id">, limit = 50, from?: number): AsyncGenerator<ShownMessage[]> {
    const id = typeof partner === "number" ? partner : partner.id;
    const me = (await this.#store.get("user"))?.id ?? 0;
    for (let before = from; ;) {
      let page = await this.#store.messages(id, before, limit);
      if (page.length === 0) {
        const fetched = await this.api.messages(id, before).catch(unlessUnreachable);
        if (fetched.length === 0) return;
        await this.#store.write(fetched.map((message) => ({ message: asKept(message, me) })));
        page = await this.#store.messages(id, before, limit);
        // All of it was deleted meanwhile.
        if (page.length === 0) return;
      }
      before = page.at(-1)?.id;
      yield await this.#texts.decrypt(page);
    }
  }

  /** Returns the messages with a partner that are on this device, newest first, and asks the server for nothing. */
  async here(partner: number, limit: number, before?: number): Promise<ShownMessage[]> {
    return this.#texts.decrypt(await this.#store.messages(partner, before, limit));
  }

  /** Returns the conversations, newest first; without a network those that were fetched last. */
  async conversations(): Promise<Conversation[]> {
    try {
      const newest = await allConversations(this.api);
      await this.#store.write([{ meta: "conversations", value: newest }]);
      return newest;
    } catch {
      return this.#store.get("conversations");
    }
  }

  /** Finds the user with exactly this name. */
  async find(username: string): Promise<User | undefined> {
    return (await this.api.search(username)).find((user) => user.user_name === username);
  }

  /** Tries to connect at once, where the time to wait was not named by the server. */
  wake(): void {
    this.#engine?.wake();
    this.#engine?.resume();
  }

  /** Ends the socket until {@link wake}, since nobody looks. */
  suspend(): void {
    this.#engine?.suspend();
  }

  #running(): Engine {
    if (!this.#engine) throw new Error("nobody is signed in");
    return this.#engine;
  }

  async #me(): Promise<Profile> {
    try {
      if (!this.#profile) {
        this.#profile = await this.api.profile();
        await this.#store.write([{ meta: "profile", value: this.#profile }]);
      }
      return this.#profile;
    } catch (error) {
      const kept = error instanceof Unreachable ? await this.#store.get("profile") : null;
      if (!kept) throw error;
      return kept;
    }
  }

  async #signedIn(): Promise<void> {
    this.#profile = null;
    const profile = await this.#me();
    const user = await this.#store.get("user");
    if (user && user.id !== profile.id) {
      await this.api.logOut();
      throw new Error(`this store holds the data of ${user.username}`);
    }
    await this.#store.write([{ meta: "user", value: { id: profile.id, username: profile.user_name } }]);
    await this.#start();
  }

  async #start(): Promise<void> {
    await this.#engine?.close();
    const [{ server }, store] = [this.#options, this.#store];
    const me = (await store.get("user"))?.id ?? 0;
    let deviceId = await store.get("device_id");
    if (!deviceId) {
      deviceId = uuidv7();
      await store.write([{ meta: "device_id", value: deviceId }]);
    }
    for (const position of await store.positions()) this.#sender.sent.moved(position);
    const WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (!WebSocket) throw new Error("give a WebSocket");
    this.#engine = await Engine.open({
      me,
      server,
      deviceId,
      isBackground: this.#options.isBackground ?? false,
      api: this.api,
      store,
      WebSocket,
      texts: this.#sender.texts,
      onState: (state) => this.#setState(state),
      onNotice: (notice) => this.#notice(notice),
      onKept: (frames, added) => this.#show(frames, added, me),
      onHello: (frame) => this.#emitter.emit("hello", frame),
      onOutbox: () => this.#emitter.emit("outbox", undefined),
      onRenew: (draft) => void this.#sender.renew(this.#running(), draft).catch(() => {}),
      onStartOver: (startSeq) => this.#startOver(me, startSeq),
    });
    await this.#engine.post("start");
  }

  #show(frames: readonly EventFrame[], added: ReadonlySet<number>, me: number): void {
    const messages: StoredMessage[] = [];
    for (const frame of frames) {
      if (frame.type === "message") {
        const { client_id } = frame;
        const text = client_id === undefined ? undefined : this.#sender.texts.get(client_id);
        if (added.has(frame.id)) messages.push({ ...asKept(frame, me), ...(text === undefined ? {} : { text }) });
        if (client_id === undefined) continue;
        this.#sender.texts.delete(client_id);
        this.#sender.sent.placed(client_id, frame);
        continue;
      }
      if (frame.type === "receipt") this.#sender.sent.moved(frame);
      if (frame.type === "key_changed") {
        this.#sender.forgetKey(frame.user_id);
        if (frame.user_id === me) this.#profile = null;
      }
      this.#emitter.emit("event", frame);
    }
    if (messages.length > 0) this.#emitter.emit("arrived", messages);
    this.#showMessages(messages);
  }

  /** Shows messages, behind those that a running reload still finds. */
  #showMessages(messages: readonly StoredMessage[]): void {
    if (messages.length === 0) return;
    if (!this.#isReloaded) {
      this.#heldBack.push(...messages);
      return;
    }
    for (let at = 0; at < messages.length; at += AT_ONCE) {
      void this.#texts.decryptLater(messages.slice(at, at + AT_ONCE)).then((some) => {
        for (const message of some) this.#emitter.emit("message", message);
      });
    }
  }

  async #startOver(me: number, startSeq: number): Promise<void> {
    const onNews = (news: readonly StoredMessage[]) => {
      for (const message of news) if (message.client_id) this.#sender.sent.placed(message.client_id, message);
      this.#showMessages(news);
    };
    const number = ++this.#reload;
    this.#isReloaded = false;
    await reload({ api: this.api, store: this.#store, me, startSeq, onNews });
    for (const position of await this.#store.positions()) this.#sender.sent.moved(position);
    // Cut off meanwhile: another one runs, or will.
    if (number !== this.#reload) return;
    this.#isReloaded = true;
    this.#emitter.emit("reloaded", undefined);
    const found = this.#heldBack.sort((one, other) => one.id - other.id);
    this.#heldBack = [];
    this.#showMessages(found);
  }

  #notice(notice: Notice): void {
    if (typeof notice === "string") return;
    if ("failed" in notice) {
      this.#sender.sent.failed(notice.failed.draft.client_id, notice.failed.code);
      this.#emitter.emit("failed", notice.failed);
    } else if ("typing" in notice) this.#emitter.emit("typing", notice.typing);
    else if ("presence" in notice) this.#emitter.emit("presence", notice.presence);
    else this.#emitter.emit("refused", notice.refused);
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#emitter.emit("state", state);
  }
}

function tokensIn(store: Store): TokenStore {
  return {
    load: () => store.get("tokens"),
    save: async (tokens) => void (await store.write([{ meta: "tokens", value: tokens }])),
  };
}

function unlessUnreachable(error: unknown): [] {
  // The conversation of a user who is gone has no history any more.
  if (error instanceof ApiError && error.status !== 404) throw error;
  return [];
}
