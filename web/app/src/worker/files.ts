/** Files that are sent and fetched: one at a time each way, over reloads, outages and restarts. */
import { ApiError } from "../../../../sdk/typescript/src/api.js";
import {
  FILE,
  type FileEntry,
  FileError,
  Transfers,
  indexedDbFiles,
  padded,
  writeFiles,
} from "../../../../sdk/typescript/src/files.js";
import type { FileStore } from "../../../../sdk/typescript/src/files.js";
import type { DraftFields } from "../../../../sdk/typescript/src/client/sender.js";
import { uuidv7 } from "../../../../sdk/typescript/src/uuid.js";
import { type OpenedFile, type Progress, fileKey } from "../bridge/protocol.js";
import type { Account } from "./account.js";
import { Refused, failureOf } from "./failure.js";
import { filesName } from "./known.js";
import type { OutgoingNote } from "./program.js";
import { saidIn } from "./shown.js";
import { pictureIn, thumbnailOf } from "./thumbnail.js";

/** Most files of which a part is kept for when they are wanted again. */
const MAX_INCOMING = 8;

/** Something that can be stopped, and says how far it is. */
interface Running {
  signal: AbortSignal;
  phase: Progress["phase"];
  onProgress(done: number, total: number): void;
}

export class Files {
  readonly #account: Account;
  readonly #store: FileStore;
  readonly #transfers: Transfers;
  readonly #running = new Map<string, AbortController>();
  /** What is sent goes one by one: of one user four files at once are too many. */
  #sending: Promise<unknown> = Promise.resolve();
  readonly #wake = () => this.#transfers.wake();

  private constructor(account: Account) {
    this.#account = account;
    this.#store = indexedDbFiles(filesName(account.server, account.name));
    this.#transfers = new Transfers(account.client.api, this.#store);
    addEventListener("online", this.#wake);
    account.client.on("state", (state) => state === "live" && this.#wake());
  }

  /** Goes on with what was on its way, and removes what a crash has left. */
  static async open(account: Account): Promise<Files> {
    const files = new Files(account);
    const { outgoing, incoming } = account.program;
    const known = new Set([...incoming, ...outgoing.map(({ clientId }) => clientId)]);
    for (const name of await files.#store.names()) if (!known.has(name)) await files.#store.remove(name);
    for (const note of outgoing) if (note.failed === null) files.#queue(note, null);
    return files;
  }

  /** Notes files to be sent. */
  async send(partner: number, files: readonly File[], caption: string, replyTo: number | null): Promise<void> {
    const { program } = this.#account;
    const limit = program.mediaBytes;
    if (limit === null) throw new Refused("no_files");
    if (files.some(({ size }) => padded(size, limit) === undefined)) throw new Refused("file_too_large");
    for (const [index, source] of files.entries()) {
      const { name, type, size } = source;
      const note: OutgoingNote = {
        clientId: uuidv7(),
        partner,
        caption: index === 0 ? caption : "",
        replyTo: index === 0 ? replyTo : null,
        expiresInS: program.timers[partner] ?? null,
        file: { name, type: type || "application/octet-stream", size, thumbnail: null },
        outgoing: null,
        written: null,
        failed: null,
      };
      program.outgoing.push(note);
      this.#queue(note, source);
    }
    await this.#keep();
  }

  /** Tries a file again that was not sent. */
  retry(clientId: string): void {
    const note = this.#note(clientId);
    if (!note || note.failed === null) return;
    note.failed = null;
    void this.#keep();
    this.#queue(note, null);
  }

  /** Stops a file on its way; one that was to be sent is given up. */
  async stop(key: string): Promise<void> {
    this.#running.get(key)?.abort();
    this.#tell(key, null);
    const note = this.#note(key);
    if (!note) return;
    await this.#remove(note, true);
  }

  /** Fetches and decrypts a file of a message. */
  async fetch(id: number, index: number): Promise<OpenedFile> {
    const { client, store } = this.#account;
    const partner = (await store.message(id))?.partner_id;
    const [message] = partner === undefined ? [] : await client.here(partner, 1, id + 1);
    const file = message?.id === id ? saidIn(message)?.files[index] : undefined;
    if (!file) throw new FileError("file_gone");
    const key = fileKey(id, index);
    if (this.#running.has(key)) throw new Refused("interrupted");
    const running = this.#begin(key);
    try {
      await this.#noteIncoming(file.id, true);
      const blob = await this.#transfers.download(file, running);
      await this.#noteIncoming(file.id, false);
      const picture = await pictureIn(blob);
      // Of any other type a browser might make a document.
      const type = picture?.type ?? "application/octet-stream";
      return { blob: blob.slice(0, blob.size, type), isPicture: picture !== null };
    } catch (error) {
      if (running.signal.aborted) await this.#store.remove(file.id);
      throw running.signal.aborted ? new Refused("stopped") : error;
    } finally {
      this.#end(key);
    }
  }

  /** Ends everything; what is on its way goes on when it is opened again. */
  async close(): Promise<void> {
    removeEventListener("online", this.#wake);
    for (const running of this.#running.values()) running.abort();
    await this.#sending;
    this.#store.close();
  }

  #queue(note: OutgoingNote, source: File | null): void {
    const running = this.#begin(note.clientId);
    this.#sending = this.#sending.then(async () => {
      try {
        running.signal.throwIfAborted();
        await this.#move(note, source, running);
        await this.#remove(note, false);
      } catch (error) {
        // Stopped, or to be gone on with.
        if (running.signal.aborted) return;
        note.failed = codeOf(error);
        await this.#keep().catch(() => {});
      } finally {
        this.#end(note.clientId);
      }
    });
  }

  /** Encrypts, uploads and posts a file, as far as that is not done. */
  async #move(note: OutgoingNote, source: File | null, running: Running): Promise<void> {
    const { client, program } = this.#account;
    if (!note.outgoing) {
      // The tab was closed while it was encrypted.
      if (!source) throw new FileError("file_lost");
      const thumbnail = await thumbnailOf(source);
      const { name: file_name, type: file_type } = note.file;
      const about = { file_name, file_type, ...(thumbnail === null ? {} : { thumbnail }) };
      note.file = { ...note.file, thumbnail };
      await this.#account.tellPending();
      running.phase = "encrypting";
      note.outgoing = await this.#transfers.prepare(note.clientId, source, about, program.mediaBytes ?? 0, running);
      await this.#keep();
    }
    if (!note.written) {
      running.phase = "moving";
      const declared = async (outgoing: typeof note.outgoing) => {
        note.outgoing = outgoing;
        await this.#keep();
      };
      note.written = await this.#write(note, await this.#transfers.upload(note.outgoing, declared, running));
      await this.#keep();
    }
    const { draft, plaintext } = note.written;
    const outbox = await client.outbox();
    if (!outbox.some((item) => item.draft.client_id === draft.client_id)) await client.post(draft, plaintext);
  }

  async #write(note: OutgoingNote, file: FileEntry): Promise<NonNullable<OutgoingNote["written"]>> {
    const { clientId, caption, partner, replyTo, expiresInS } = note;
    const { plaintext, tag } = await writeFiles({ text: caption === "" ? null : caption, files: [file] });
    const fields: DraftFields = {
      client_id: clientId,
      message_type: FILE,
      attachment_ids: [file.id],
      franking_tag: tag,
      ...(replyTo === null ? {} : { reply_to: replyTo }),
      ...(expiresInS === null ? {} : { expires_in_s: expiresInS }),
    };
    return { draft: await this.#account.client.draft(partner, plaintext, fields), plaintext };
  }

  #note(clientId: string): OutgoingNote | undefined {
    return this.#account.program.outgoing.find((note) => note.clientId === clientId);
  }

  async #remove(note: OutgoingNote, isGivenUp: boolean): Promise<void> {
    const { program } = this.#account;
    program.outgoing = program.outgoing.filter((one) => one !== note);
    await this.#keep();
    if (note.outgoing) await this.#transfers.forget(note.outgoing, isGivenUp && !note.written);
    else await this.#store.remove(note.clientId);
  }

  /** Notes that a part of a file is here, or not any more. Of too many the oldest are removed. */
  async #noteIncoming(id: string, isHere: boolean): Promise<void> {
    const { program } = this.#account;
    const others = program.incoming.filter((one) => one !== id);
    const all = isHere ? [...others, id] : others;
    program.incoming = all.slice(-MAX_INCOMING);
    for (const old of all.slice(0, -MAX_INCOMING)) await this.#store.remove(old);
    await this.#account.save();
  }

  async #keep(): Promise<void> {
    await this.#account.save();
    await this.#account.tellPending();
  }

  /** Begins something that can be stopped, and tells how far it is. */
  #begin(key: string): Running {
    const controller = new AbortController();
    this.#running.set(key, controller);
    const running: Running = {
      signal: controller.signal,
      phase: "moving",
      onProgress: (done: number, total: number) => this.#tell(key, { phase: running.phase, done, total }),
    };
    this.#tell(key, { phase: "moving", done: 0, total: 0 });
    return running;
  }

  #end(key: string): void {
    this.#running.delete(key);
    this.#tell(key, null);
  }

  #tell(key: string, progress: Progress | null): void {
    this.#account.events.onNews({ transfer: { key, progress } });
  }
}

function codeOf(error: unknown): string {
  // Where files are switched off, no path of them exists.
  if (error instanceof ApiError && error.status === 404) return "no_files";
  return failureOf(error).code;
}
