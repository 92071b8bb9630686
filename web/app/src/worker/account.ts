/** One user in this browser: the store, the client, and what they report. */
import type { IDBPDatabase } from "idb";
import { Client } from "../../../../sdk/typescript/src/client.js";
import type { ConnectionState } from "../../../../sdk/typescript/src/client/engine.js";
import { rsa } from "../../../../sdk/typescript/src/cipher/rsa.js";
import type { Cipher } from "../../../../sdk/typescript/src/cipher.js";
import type { Store, StoredMessage } from "../../../../sdk/typescript/src/store.js";
import { type Layout, openDatabase } from "../../../../sdk/typescript/src/store/indexeddb.js";
import type { EventFrame } from "../../../../sdk/typescript/src/wire.js";
import type { Arrival, News, Pending, Presence } from "../bridge/protocol.js";
import { Book } from "./book.js";
import type { Files } from "./files.js";
import { databaseName } from "./known.js";
import { type Program, loadProgram, saveProgram } from "./program.js";
import { fingerprint } from "./safety.js";
import { saidIn, shownFile } from "./shown.js";
import { changeLock, isLocked, openStore } from "./vault.js";

/** How long after a message presence is asked for anew, in milliseconds. */
const WATCH_MS = 1_000;

export interface AccountEvents {
  onNews(news: News): void;
  onConnection(state: ConnectionState): void;
  onHello(about: { clockOffsetMs: number; mediaBytes: number | null }): void;
}

/** The data is under a passphrase. */
export class Locked extends Error {
  override readonly name = "Locked";
}

export class Account {
  readonly presence = new Map<number, Presence>();
  book: Book | null = null;
  #watchTimer: ReturnType<typeof setTimeout> | undefined;
  #files: Promise<Files> | null = null;
  me = 0;
  clockOffsetMs = 0;

  private constructor(
    readonly server: string,
    readonly name: string,
    readonly database: IDBPDatabase<Layout>,
    readonly store: Store,
    readonly cipher: Cipher,
    readonly client: Client,
    readonly program: Program,
    readonly hasPassphrase: boolean,
    readonly events: AccountEvents,
  ) {}

  /** Opens what is in this browser of a user. Fails with {@link Locked} when that takes a passphrase. */
  static async open(server: string, name: string, passphrase: string | null, events: AccountEvents): Promise<Account> {
    const database = await openDatabase(databaseName(server, name));
    const hasPassphrase = await isLocked(database);
    if (hasPassphrase && passphrase === null) {
      database.close();
      throw new Locked();
    }
    try {
      const store = await openStore(database, passphrase);
      const program = await loadProgram(store);
      const cipher = rsa();
      const client = await Client.open({ server, store, cipher, trusts: (user) => trusts(program, user) });
      const account = new Account(server, name, database, store, cipher, client, program, hasPassphrase, events);
      account.#listen();
      if (await store.get("user")) await account.begin();
      return account;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Whether somebody is signed in. */
  async isSignedIn(): Promise<boolean> {
    return (await this.store.get("tokens")) !== null && (await this.store.get("user")) !== null;
  }

  /** Shows the conversations of the user who is signed in. */
  async begin(): Promise<void> {
    this.book?.close();
    this.me = (await this.store.get("user"))?.id ?? 0;
    const { client, store, program, me } = this;
    const onChats = (chats: ReturnType<Book["chats"]>, isWhole: boolean) => this.events.onNews({ chats, isWhole });
    this.book = new Book({ client, store, me, program, now: () => this.now(), onChats });
    await this.book.open();
    // What was on its way goes on.
    if (program.outgoing.length > 0) void this.files().catch(() => {});
  }

  /** Returns what sends and fetches files: loaded when it is needed. */
  files(): Promise<Files> {
    return (this.#files ??= import("./files.js").then(({ Files }) => Files.open(this)));
  }

  /** Returns the time by the server's clock. */
  now(): string {
    return new Date(Date.now() + this.clockOffsetMs).toISOString();
  }

  save(): Promise<void> {
    return saveProgram(this.store, this.program);
  }

  /** Returns the messages that the server does not have yet. */
  async pending(): Promise<Pending[]> {
    const written = (await this.client.outbox()).map(({ draft, failed, text }) => {
      const said = saidIn({ ...draft, text, attachments: undefined } as never);
      return {
        clientId: draft.client_id,
        partner: draft.to,
        text: said ? (said.text ?? "") : text,
        files: said?.files.map(shownFile) ?? [],
        writtenAt: timeOf(draft.client_id),
        replyTo: draft.reply_to ?? null,
        failed,
      };
    });
    const names = new Set(written.map(({ clientId }) => clientId));
    const files = this.program.outgoing
      .filter((note) => !names.has(note.clientId))
      .map(({ clientId, partner, caption: text, replyTo, file, failed }) => {
        return { clientId, partner, text, files: [file], writtenAt: timeOf(clientId), replyTo, failed };
      });
    return [...written, ...files];
  }

  /** Says anew what waits to be sent. */
  async tellPending(): Promise<void> {
    this.events.onNews({ pending: await this.pending() });
  }

  /** Ends the connection; what is here stays. */
  async close(): Promise<void> {
    clearTimeout(this.#watchTimer);
    this.book?.close();
    await this.#closeFiles();
    await this.client.close();
    this.database.close();
  }

  /** Seals everything anew. The account must be opened anew afterwards. */
  async changeLock(old: string | null, next: string | null): Promise<void> {
    this.book?.close();
    await this.#closeFiles();
    await this.client.close();
    const database = await openDatabase(databaseName(this.server, this.name));
    await changeLock(database, old, next).finally(() => database.close());
  }

  async #closeFiles(): Promise<void> {
    const files = await this.#files?.catch(() => null);
    this.#files = null;
    await files?.close();
  }

  #listen(): void {
    const { client, events } = this;
    client.on("state", (state) => events.onConnection(state));
    client.on("hello", ({ server_time, limits }) => {
      this.clockOffsetMs = Date.parse(server_time) - Date.now();
      const mediaBytes = limits?.media_bytes ?? null;
      const isNew = mediaBytes !== this.program.mediaBytes;
      this.program.mediaBytes = mediaBytes;
      if (isNew) void this.save().catch(() => {});
      events.onHello({ clockOffsetMs: this.clockOffsetMs, mediaBytes });
    });
    client.on("arrived", (messages) => {
      for (const arrived of arrivals(messages, this.me)) {
        events.onNews({ arrived });
        this.book?.touch(arrived.partner);
        this.#watchSoon(arrived.partner);
      }
    });
    client.on("event", (frame) => void this.#event(frame).catch(() => {}));
    client.on("outbox", () => void this.tellPending());
    client.on("failed", () => void this.tellPending());
    client.on("reloaded", () => {
      events.onNews({ reloaded: true });
      void this.book?.load().catch(() => {});
    });
    client.on("typing", ({ user_id, active }) => events.onNews({ typing: { user: user_id, isActive: active } }));
    client.on("presence", ({ user_id, is_online, last_seen }) => {
      const presence = { isOnline: is_online, lastSeen: last_seen };
      this.presence.set(user_id, presence);
      events.onNews({ presence: [user_id, presence] });
    });
  }

  async #event(frame: Exclude<EventFrame, { type: "message" }>): Promise<void> {
    const { book, events, program } = this;
    switch (frame.type) {
      case "receipt":
        return book?.touch(frame.user_id === this.me ? frame.partner_id : frame.user_id);
      case "deleted":
        events.onNews({ gone: frame.id });
        return book?.touch(frame.partner_id);
      case "deleted_before":
        events.onNews({ goneBefore: frame.timestamp });
        return book?.touchAll();
      case "key_changed":
        return void (await book?.load());
      case "block":
        return book?.setBlocked(frame.user_id, frame.blocked);
      case "user_deleted": {
        const notes = program.people[frame.user_id];
        if (!notes) return;
        notes.isGone = true;
        await this.save();
        return book?.touch(frame.user_id);
      }
    }
  }

  /** The first words of both make them partners, who see whether the other is online. */
  #watchSoon(partner: number): void {
    if (this.presence.has(partner) || partner === this.me) return;
    clearTimeout(this.#watchTimer);
    this.#watchTimer = setTimeout(() => this.book?.watch(), WATCH_MS);
  }
}

async function trusts(program: Program, user: { id: number; public_key: string }): Promise<boolean> {
  const verified = program.people[user.id]?.verified;
  return verified === undefined || verified === (await fingerprint(user.public_key));
}

/** Returns what pages are told of messages that have come: they ask for what they show. */
function arrivals(messages: readonly StoredMessage[], me: number): Iterable<Arrival> {
  const byPartner = new Map<number, Arrival>();
  for (const { partner_id: partner, sender_id, client_id } of messages) {
    const arrival = byPartner.get(partner) ?? { partner, count: 0, hasTheirs: false, clientIds: [] };
    byPartner.set(partner, arrival);
    arrival.count += 1;
    if (sender_id !== me) arrival.hasTheirs = true;
    else if (client_id !== undefined) arrival.clientIds.push(client_id);
  }
  return byPartner.values();
}

/** Returns when a UUID of version 7 was made, in milliseconds since 1970. */
function timeOf(uuid: string): number {
  return parseInt(uuid.replaceAll("-", "").slice(0, 12), 16);
}
