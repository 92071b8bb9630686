/** Files on their way: each request after the other, over cuts and restarts. */
import { type Api, ApiError, Unreachable, refusal } from "../api.js";
import { type Pause, draw, nextPause } from "../backoff.js";
import { FileError } from "./error.js";
import { FileKey } from "./key.js";
import type { FileEntry } from "./message.js";
import { PART, type Work, open, seal } from "./seal.js";
import type { FileStore } from "./store.js";
import { type SavedUpload, answered, beginUpload, cut, nextStep } from "./upload.js";

const TUS = { "Tus-Resumable": "1.0.0" };
const APPEND = { ...TUS, "Content-Type": "application/offset+octet-stream" };
/** Longest time that a part may take, in milliseconds: the server ends what is below 1 KiB a second. */
const PART_MS = 120_000;
/** Longest time without a byte of a download, in milliseconds. */
const SILENCE_MS = 30_000;
/** Most requests of a download in a row that bring nothing. */
const MAX_TRIES = 6;

/** A file that is being sent, as the program keeps it: plain data. Whoever has it can read the file. */
export interface OutgoingFile {
  /** What the message will say of it; without its id until it is uploaded. */
  file: FileEntry;
  upload: SavedUpload;
}

/** Uploads and downloads of one user on one device. */
export class Transfers {
  readonly #api: Api;
  readonly #store: FileStore;
  readonly #waits = new Set<() => void>();

  constructor(api: Api, store: FileStore) {
    [this.#api, this.#store] = [api, store];
  }

  /**
   * Encrypts a file into the store, once: a source that changes would be encrypted under the same nonces. `name` is
   * `[A-Za-z0-9._:-]{1,64}`, new for each file; `limit` is `limits.media_bytes` of the server.
   */
  async prepare(
    name: string,
    source: Blob,
    about: Pick<FileEntry, "file_name" | "file_type" | "thumbnail">,
    limit: number,
    work: Work = {},
  ): Promise<OutgoingFile> {
    const key = await FileKey.random();
    const take = (part: Uint8Array<ArrayBuffer>, index: number) => this.#store.put(name, index, part);
    const { size, sha256 } = await seal(key, source, limit, take, work);
    const file = { id: "", ...about, size: source.size, encryption_key: key.text, sha256 };
    return { file, upload: { name, size, sha256, id: null } };
  }

  /**
   * Uploads a file of {@link prepare}, and returns what a message says of it. `onDeclared` is to keep its new state on
   * disk: with it the upload goes on where it was. Fails with an {@link ApiError} when the server refuses it.
   */
  async upload(
    { file, upload: saved }: OutgoingFile,
    onDeclared: (outgoing: OutgoingFile) => Promise<void>,
    { signal, onProgress }: Work = {},
  ): Promise<FileEntry> {
    const upload = beginUpload(saved);
    for (;;) {
      signal?.throwIfAborted();
      const step = nextStep(upload);
      if ("complete" in step) return { ...file, id: step.complete };
      let pause: Pause | null;
      try {
        const response = await this.#request(step, upload, signal);
        const offset = response.headers.get("Upload-Offset");
        const text = await response.text();
        const told =
          "declare" in step && response.ok ? (JSON.parse(text) as { id: string; offset: number }) : undefined;
        const retryAfter = response.headers.get("Retry-After");
        const next = answered(upload, {
          status: response.status,
          id: told?.id,
          offset: told?.offset ?? (offset === null ? undefined : Number(offset)),
          retryAfterMs: retryAfter === null ? undefined : Number(retryAfter) * 1000 || 0,
        });
        if (next === "refused") throw refusal(response, text);
        if (told)
          await onDeclared({
            file,
            upload: { name: upload.name, size: upload.size, sha256: upload.sha256, id: told.id },
          });
        pause = next;
      } catch (error) {
        signal?.throwIfAborted();
        // A response that ends too early is as none.
        if (!(error instanceof Unreachable || error instanceof TypeError || isTimeout(error))) throw error;
        pause = cut(upload);
      }
      onProgress?.(upload.offset ?? 0, upload.size);
      if (pause) await this.#wait(pause, signal);
    }
  }

  /** Removes what is kept of a file that is in a message, or given up: then on the server too, as far as it is reached. */
  async forget({ upload: { name, id } }: OutgoingFile, isGivenUp: boolean): Promise<void> {
    await this.#store.remove(name);
    if (isGivenUp && id !== null) await this.#api.request("DELETE", `/media/${id}`, { headers: TUS }).catch(() => {});
  }

  /** Fetches a file that a message names, and decrypts it. What has come before a cut, or a restart, is not fetched again. */
  async download(file: FileEntry, { signal, onProgress }: Work = {}): Promise<Blob> {
    if (!/^[\w-]{22}$/.test(file.id)) throw new FileError("file_gone");
    const size = await this.#fetch(file.id, signal, onProgress);
    const give = async (index: number) => {
      const part = await this.#store.get(file.id, index);
      if (!part) throw new FileError("file_lost");
      return part;
    };
    try {
      return await open(file, size, give, signal ? { signal } : {});
    } finally {
      // Of a damaged one too: coming again helps when it was damaged here.
      if (!signal?.aborted) await this.#store.remove(file.id);
    }
  }

  /** Ends waits: the network is back, or the person tries again. */
  wake(): void {
    for (const end of this.#waits) end();
  }

  async #request(step: ReturnType<typeof nextStep>, upload: SavedUpload, signal?: AbortSignal): Promise<Response> {
    const within = withTimeout(signal, PART_MS);
    if ("declare" in step) {
      const { name, size, sha256 } = step.declare;
      const headers = { "Content-Type": "application/json", "Idempotency-Key": name };
      const body = JSON.stringify({ size, sha256 });
      return this.#api.request("POST", "/media", { headers, body, signal: within });
    }
    if ("ask" in step) return this.#api.request("HEAD", `/media/${step.ask}`, { headers: TUS, signal: within });
    if (!("append" in step)) throw new TypeError("there is no request");
    const { append, offset } = step;
    const part = await this.#store.get(upload.name, Math.floor(offset / PART));
    if (!part) throw new FileError("file_lost");
    const headers = { ...APPEND, "Upload-Offset": String(offset) };
    const body = part.subarray(offset % PART);
    return this.#api.request("PATCH", `/media/${append}`, { headers, body, signal: within });
  }

  /** Brings the ciphertext into the store, part by part. Returns its size. */
  async #fetch(id: string, signal: AbortSignal | undefined, onProgress: Work["onProgress"]): Promise<number> {
    const backoff = { attempts: 0 };
    let index = await this.#store.count(id);
    // How long it is, and whether the last part is there, is said with any of it.
    if (index > 0) index -= 1;
    for (;;) {
      signal?.throwIfAborted();
      let pause = nextPause(backoff);
      try {
        const silence = new Silence(signal);
        const headers = { Range: `bytes=${index * PART}-` };
        const response = await this.#api.request("GET", `/media/${id}`, { headers, signal: silence.signal });
        if (response.status === 200) index = 0;
        const size = sizeOf(response, index * PART);
        if (size !== null && response.body) {
          for await (const part of partsOf(response.body, silence)) {
            const end = index * PART + part.length;
            if (end > size) throw new FileError("file_damaged");
            if (part.length < PART && end < size) throw new TypeError("it ended too early");
            await this.#store.put(id, index, part);
            index += 1;
            backoff.attempts = 0;
            onProgress?.(end, size);
            if (end === size) return size;
          }
        } else {
          const seconds = Number(response.headers.get("Retry-After") ?? 0) || 0;
          pause = { ...pause, at_least_ms: seconds * 1000 };
          await response.body?.cancel();
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof Unreachable || error instanceof TypeError || isTimeout(error))) throw error;
      }
      // Somebody looks at it, and can ask again.
      if (backoff.attempts > MAX_TRIES) throw new Unreachable("the server cannot be reached");
      await this.#wait(pause, signal);
    }
  }

  #wait(pause: Pause, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waits.delete(end);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, draw(pause, Math.random()));
      if (pause.at_least_ms === 0) this.#waits.add(end);
      signal?.addEventListener("abort", end);
    });
  }
}

/** Returns the size of the whole ciphertext, or `null` when the server asks to try again. Fails when it will not come. */
function sizeOf(response: Response, first: number): number | null {
  const { status, headers } = response;
  if (status === 200 || status === 206) {
    const whole = `bytes 0-0/${headers.get("Content-Length")}`;
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(status === 200 ? whole : (headers.get("Content-Range") ?? ""));
    if (Number(range?.[1]) !== (status === 200 ? 0 : first)) throw new FileError("file_damaged");
    return Number(range?.[2]);
  }
  if (status === 404) throw new FileError("file_gone");
  if (status === 416) throw new FileError("file_damaged");
  if ([408, 429].includes(status) || status >= 500) return null;
  throw new ApiError(status, "unknown", `the server answers ${status}`, null, {});
}

/** Cuts what comes into parts. */
async function* partsOf(body: ReadableStream<Uint8Array>, silence: Silence): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  let part = new Uint8Array(PART);
  let filled = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      silence.isOver();
      if (done) break;
      for (let at = 0; at < value.length;) {
        const piece = value.subarray(at, at + PART - filled);
        part.set(piece, filled);
        filled += piece.length;
        at += piece.length;
        if (filled < PART) continue;
        yield part;
        part = new Uint8Array(PART);
        filled = 0;
      }
    }
    if (filled > 0) yield part.slice(0, filled);
  } finally {
    silence.end();
    await reader.cancel().catch(() => {});
  }
}

/** Ends a request that says nothing for long. */
class Silence {
  readonly #own = new AbortController();
  readonly signal: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal ? AbortSignal.any([signal, this.#own.signal]) : this.#own.signal;
    this.isOver();
  }

  isOver(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#own.abort(new DOMException("silence", "TimeoutError")), SILENCE_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function withTimeout(signal: AbortSignal | undefined, ms: number): AbortSignal {
  const timeout = AbortSignal.timeout(ms);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && ["TimeoutError", "AbortError", "NetworkError"].includes(error.name);
}
