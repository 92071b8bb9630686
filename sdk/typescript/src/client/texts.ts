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
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly cipher: Cipher,
    readonly store: Store,
  ) {}

  /** Decrypts messages behind those that are waiting, and keeps what they say. */
  decrypt(messages: readonly StoredMessage[]): Promise<ShownMessage[]> {
    const result = this.#last.then(() => this.#decryptAll(messages));
    this.#last = result.catch(() => {});
    return result;
  }

  async #decryptAll(messages: readonly StoredMessage[]): Promise<ShownMessage[]> {
    const shown: ShownMessage[] = [];
    const changes: Change[] = [];
    let since = performance.now();
    for (const message of messages) {
      let { text } = message;
      if (text === undefined) {
        // What is to be sent goes first. Browsers stretch each timer, so there is not one for each message.
        if (performance.now() - since > BUSY_MS) {
          await new Promise((resolve) => setTimeout(resolve));
          since = performance.now();
        }
        const { content, message_type } = message;
        const isOurs = this.cipher.messageTypes.includes(message_type);
        text = isOurs ? await this.cipher.decrypt(content, message_type) : null;
        // A key may still be imported: what cannot be read now is tried again.
        if (text !== null) changes.push({ text: message.id, value: text });
      }
      shown.push({ ...message, text });
    }
    if (changes.length > 0) await this.store.write(changes);
    return shown;
  }
}
