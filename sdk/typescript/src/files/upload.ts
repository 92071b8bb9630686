/** An upload that goes on after cuts, over restarts of either side. Pure. */
import { type Backoff, type Pause, after, nextPause } from "../backoff.js";

/** Most times that an upload begins anew because the server does not have it any more. */
const MAX_BEGINNINGS = 3;

/** What the disk keeps of an upload; the ciphertext must stay the same until it is complete. */
export interface SavedUpload {
  /** The `Idempotency-Key`, by which a declaration that is repeated is the same file. */
  name: string;
  size: number;
  sha256: string;
  /** The id that the server gave it, once it has. */
  id: string | null;
}

/** An upload that runs. */
export interface Upload extends SavedUpload {
  /** How many bytes the server has; `null` when it must be asked. */
  offset: number | null;
  beginnings: number;
  backoff: Backoff;
}

/** The next request. */
export type UploadStep =
  /** `POST /media` with the `Idempotency-Key` and `{"size","sha256"}`. */
  | { declare: SavedUpload }
  /** `HEAD /media/{id}` with `Tus-Resumable`. */
  | { ask: string }
  /** `PATCH /media/{id}` with any number of the bytes from `offset` on. */
  | { append: string; offset: number }
  /** None: a message may name the file. */
  | { complete: string };

/** The response to a request of an upload. */
export interface UploadAnswer {
  status: number;
  id?: string | undefined;
  /** The `offset` in the body, or `Upload-Offset`. */
  offset?: number | undefined;
  /** `Retry-After`, in milliseconds. */
  retryAfterMs?: number | undefined;
}

export function beginUpload({ name, size, sha256, id }: SavedUpload): Upload {
  return { name, size, sha256, id, offset: null, beginnings: 0, backoff: { attempts: 0 } };
}

export function nextStep({ name, size, sha256, id, offset }: Upload): UploadStep {
  if (id === null) return { declare: { name, size, sha256, id } };
  if (offset === null) return { ask: id };
  return offset < size ? { append: id, offset } : { complete: id };
}

/** Handles a response. Returns how long to wait before the next request, or `refused`: there is none. */
export function answered(upload: Upload, answer: UploadAnswer): Pause | null | "refused" {
  const { status, id, offset, retryAfterMs } = answer;
  if (status >= 200 && status < 300) {
    upload.id = id ?? upload.id;
    if ((offset ?? 0) > (upload.offset ?? 0)) upload.backoff.attempts = 0;
    upload.offset = offset ?? null;
    return null;
  }
  if (status === 409 && upload.id !== null) {
    // Somewhere else than it was thought to be; or a newer request has taken over: that is asked for, not at once.
    upload.offset = offset ?? null;
    return offset === undefined ? nextPause(upload.backoff) : null;
  }
  if (status === 404 && upload.id !== null && upload.beginnings < MAX_BEGINNINGS) {
    // Expired, or deleted from another device: its name is free again.
    upload.beginnings += 1;
    [upload.id, upload.offset] = [null, null];
    return null;
  }
  if ([408, 423, 429, 460].includes(status) || status >= 500) {
    upload.offset = null;
    return after(nextPause(upload.backoff), retryAfterMs ?? 0);
  }
  return "refused";
}

/** Handles a request without a response: some of what was sent may have come. */
export function cut(upload: Upload): Pause {
  upload.offset = null;
  return nextPause(upload.backoff);
}
