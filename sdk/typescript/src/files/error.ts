/** Why a file did not come or go. */
export type FileErrorCode =
  /** No message that the user is shown names it any more, or the server has lost it. */
  | "file_gone"
  /** It is not what the message describes: changed on the way, or described wrongly. */
  | "file_damaged"
  /** The server takes no file of this size. */
  | "file_too_large"
  /** Its source has changed, or cannot be read. */
  | "file_changed"
  /** What was kept of it on this device is not there any more. */
  | "file_lost";

/** A file did not come or go, and trying again changes nothing. */
export class FileError extends Error {
  override readonly name = "FileError";

  constructor(
    readonly code: FileErrorCode,
    options?: ErrorOptions,
  ) {
    super(code.replace("_", " "), options);
  }
}
