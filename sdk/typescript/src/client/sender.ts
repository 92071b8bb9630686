/** Writes messages: encrypts them once, follows what becomes of them, and encrypts them anew for another key. */
import { type Api, Unreachable } from "../api.js";
import type { Cipher } from "../cipher.js";
import type { Store } from "../store.js";
import { uuidv7 } from "../uuid.js";
import type { Draft, KeyedUser } from "../wire.js";
import type { Engine } from "./engine.js";
import { type Sent, SentMessages } from "./sent.js";

/** What may be said of a message beside its text. */
export interface SendOptions {
  /** The message that this one answers, of the same conversation. */
  replyTo?: number;
  /** Seconds after which it is destroyed. */
  expiresInS?: number;
}

/** What a draft has beside its ciphertexts. Its `client_id` is new unless given; never give it to two messages. */
export type DraftFields = Partial<
  Pick<Draft, "client_id" | "message_type" | "attachment_ids" | "franking_tag" | "reply_to" | "expires_in_s">
>;

/** The key of the account is not on this device: import it, or replace it, which loses what was written to it. */
export class KeyMissing extends Error {
  override readonly name = "KeyMissing";
}

/** The receiver's key is not the one that the person has verified. */
export class KeyNotTrusted extends Error {
  override readonly name = "KeyNotTrusted";
}

/** What a {@link Sender} works with. */
export interface SenderParts {
  api: Api;
  cipher: Cipher;
  hasKey(): Promise<boolean>;
  store: Store;
  /** Returns whether messages may be encrypted with this key of a user; any, unless given. */
  trusts: ((user: KeyedUser) => boolean | Promise<boolean>) | undefined;
}

export class Sender {
  /** What becomes of messages. */
  readonly sent = new SentMessages();
  /** Texts of the messages of the outbox, by their names. */
  readonly texts = new Map<string, string>();
  readonly #receivers = new Map<number, KeyedUser>();
  /** When the last message to each receiver is in the outbox, or is not going to be. */
  readonly #last = new Map<number, Promise<unknown>>();

  constructor(readonly parts: SenderParts) {}

  /**
   * Puts a text into the outbox, as one message or several, behind what was written to the same receiver before: keys are
   * fetched meanwhile, in any order.
   */
  send(engine: Engine, to: number, text: string, options: SendOptions): Promise<Sent> {
    const sending = (this.#last.get(to) ?? Promise.resolve()).then(() => this.#send(engine, to, text, options));
    const nothing = () => {};
    this.#last.set(to, sending.then(nothing, nothing));
    return sending;
  }

  async #send(engine: Engine, to: number, text: string, { replyTo, expiresInS }: SendOptions): Promise<Sent> {
    const pieces = this.parts.cipher.split(text);
    if (pieces.length === 0) throw new RangeError("there is nothing to send");
    const fields = {
      ...(replyTo === undefined ? {} : { reply_to: replyTo }),
      ...(expiresInS === undefined ? {} : { expires_in_s: expiresInS }),
    };
    const drafts: Draft[] = [];
    for (const piece of pieces) drafts.push(await this.draft(to, piece, fields));
    return this.post(engine, drafts);
  }

  /** Puts messages to one receiver into the outbox. */
  async post(engine: Engine, drafts: readonly Draft[]): Promise<Sent> {
    const names = drafts.map(({ client_id }) => client_id);
    const sent = this.sent.follow(names, drafts[0]?.to ?? 0);
    await Promise.all(drafts.map((draft) => engine.post({ written: draft })));
    return sent;
  }

  /** Encrypts a message anew, since the receiver has another key or the person tries again. */
  async renew(engine: Engine, old: Draft): Promise<void> {
    const { client_id, ...fields } = old;
    const { to } = fields;
    const text = this.texts.get(client_id);
    this.forgetKey(to);
    try {
      if (text === undefined) throw new RangeError("its text is not known");
      const draft = await this.draft(to, text, fields);
      this.sent.rename(client_id, draft.client_id);
      await engine.post({ renewed: { client_id, draft } });
    } catch (error) {
      const isFinal = [RangeError, KeyMissing, KeyNotTrusted, DOMException].some((kind) => error instanceof kind);
      const why = error instanceof Error ? error.message : String(error);
      await engine.post(isFinal ? { not_encryptable: { client_id, why } } : { not_renewed: { client_id } });
    }
  }

  /** Fetches a user's key anew when it is needed next. */
  forgetKey(user: number): void {
    this.#receivers.delete(user);
  }

  /** Encrypts a message, a text unless `fields` says otherwise. */
  async draft(to: number, text: string, fields: DraftFields): Promise<Draft> {
    const { cipher, hasKey, trusts } = this.parts;
    if (!(await hasKey())) throw new KeyMissing("the key of the account is not on this device");
    const receiver = await this.#receiver(to);
    if ((await trusts?.(receiver)) === false) throw new KeyNotTrusted("key_not_trusted");
    const message_type = fields.message_type ?? cipher.messageType;
    const draft: Draft = {
      ...fields,
      client_id: fields.client_id ?? uuidv7(),
      to,
      ...(await cipher.encrypt(text, receiver, message_type)),
      message_type,
      receiver_key_id: receiver.key_id,
    };
    this.texts.set(draft.client_id, text);
    return draft;
  }

  async #receiver(id: number): Promise<KeyedUser> {
    const { api, store } = this.parts;
    let user = this.#receivers.get(id);
    if (user) return user;
    try {
      [user] = await api.users([id]);
    } catch (error) {
      // Written without a network. If the key has changed meanwhile, the server says so.
      const known = (await store.get("conversations")).find(({ partner }) => partner.id === id);
      if (!known || !(error instanceof Unreachable)) throw error;
      return known.partner;
    }
    if (!user) throw new RangeError(`there is no user ${id}`);
    this.#receivers.set(id, user);
    return user;
  }
}
