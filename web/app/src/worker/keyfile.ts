/** The key as a file: PEM as all programs read it, or the same under a passphrase. */
import { type Box, WrongPassphrase, boxUp, unbox } from "./box.js";

/** Returns a PEM encrypted under a passphrase, as JSON. */
export async function lockKeyFile(pem: string, passphrase: string): Promise<string> {
  const box = await boxUp(new TextEncoder().encode(pem) as Uint8Array<ArrayBuffer>, passphrase);
  return `${JSON.stringify(box, null, 1)}\n`;
}

/** Returns whether a file needs a passphrase. */
export function isLockedKeyFile(file: string): boolean {
  return file.trimStart().startsWith("{");
}

/** Returns the PEM of a file. Fails with {@link WrongPassphrase}. */
export async function openKeyFile(file: string, passphrase: string | null): Promise<string> {
  if (!isLockedKeyFile(file)) return file;
  let box: Box;
  try {
    box = JSON.parse(file) as Box;
  } catch {
    throw new WrongPassphrase("not a key file");
  }
  return new TextDecoder().decode(await unbox(box, passphrase ?? ""));
}
