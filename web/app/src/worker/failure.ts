import { ApiError, Unreachable } from "../../../../sdk/typescript/src/api.js";
import { FileError } from "../../../../sdk/typescript/src/files/error.js";
import { KeyMissing, KeyNotTrusted } from "../../../../sdk/typescript/src/client/sender.js";
import type { Failure } from "../bridge/protocol.js";
import { Locked } from "./account.js";
import { WrongPassphrase } from "./box.js";

/** A failure by a word of the program. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(readonly code: string) {
    super(code);
  }
}

/** Returns what a page is told of an error. */
export function failureOf(error: unknown): Failure {
  const detail = error instanceof Error ? error.message : String(error);
  const failure = (code: string): Failure => ({ code, detail, retryAfterMs: null });
  if (error instanceof ApiError) return { code: codeOf(error), detail, retryAfterMs: error.retryAfterMs };
  if (error instanceof Refused) return failure(error.code);
  if (error instanceof FileError) return failure(error.code);
  if (error instanceof Unreachable) return failure("unreachable");
  if (error instanceof KeyMissing) return failure("key_missing");
  if (error instanceof KeyNotTrusted) return failure("key_not_trusted");
  if (error instanceof WrongPassphrase) return failure("wrong_passphrase");
  if (error instanceof Locked) return failure("locked");
  if (error instanceof DOMException && error.name === "QuotaExceededError") return failure("storage_full");
  return failure("unknown");
}

function codeOf({ code, status }: ApiError): string {
  return code === "unknown" && status >= 500 ? "unavailable" : code;
}
