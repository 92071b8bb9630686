/** Decrypts messages one by one, after they are acknowledged. */
import type { Cipher } from "../cipher.js";
import type { Change, Store, StoredMessage } from "../store.js";

/** The longest time without a pause, in milliseconds. */
const BUSY_MS = 20;

/** A message with what it says: `null` when this device cannot read it. */
export type ShownMessage = StoredMessage & { text: string | null };

/**
 * The queue in front of the cipher. That a message was decrypted, or could not be, shows in nothing that is sent: an
 * RSA without that rule is an oracle.
 */
export class Texts {
  /** The last of those for which somebody waits, and of the others. */
  #wanted: Promise<unknown> = Promise.resolve();
  #others: Promise<unknown> = this.#wanted;
  #since = 0;
  isOver = false;

  constructor(
    readonly cipher: Cipher,
    readonly store: Store,
  ) {}

  /** Decrypts messages behind those for which somebody is waiting too, and keeps what they say. */
  decrypt(messages: readonly StoredMessage[]): Promise<ShownMessage[]> {
    const result = this.#wanted.then(() => this.#decryptAll(messages));
    this.#wanted = result.catch(() => {});
    return result;
  }

  /** Decrypts messages for which nobody waits: any others come between. */
  decryptLater(messages: readonly StoredMessage[]): Promise<ShownMessage[]> {
    const result = this.#others.then(() => this.#decryptAll(messages, true));
    this.#others = result.catch(() => {});
    return result;
  }

  async #decryptAll(messages: readonly StoredMessage[], isLater = false): Promise<ShownMessage[]> {
    const shown: ShownMessage[] = [];
    const changes: Change[] = [];
    let wanted: Promise<unknown> | undefined;
    for (const message of messages) {
      while (isLater && wanted !== this.#wanted) await (wanted = this.#wanted);
      // What is to be sent goes first. Browsers stretch each timer, so there is not one for each message.
      if (performance.now() - this.#since > BUSY_MS) {
        await new Promise((resolve) => setTimeout(resolve));
        this.#since = performance.now();
      }
      if (this.isOver) break;
      const { id, content, message_type } = message;
      let { text } = message;
      if (text === undefined) {
        text = this.cipher.messageTypes.includes(message_type)
          ? await this.cipher.decrypt(content, message_type)
          : null;
        // A key may still be imported: what cannot be read now is tried again.
        if (text !== null) changes.push({ text: id, value: text });
      }
      shown.push({ ...message, text });
    }
    if (changes.length > 0) {
      // The messages are on disk: when what they say cannot be kept, it is found anew the next time.
      const kept = this.store.write(changes).catch(() => {});
      // A store reads behind all writes that were handed in before: there may be one of these at most.
      if (isLater) await kept;
    }
    return shown;
  }
}
