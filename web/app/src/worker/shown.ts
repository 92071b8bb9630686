/** Messages as pages show them. */
import type { ShownMessage } from "../../../../sdk/typescript/src/index.js";
import { FILE, type FileEntry, type FileMessage, parseFiles } from "../../../../sdk/typescript/src/files/message.js";
import type { Message, ShownFile } from "../bridge/protocol.js";

/** Most characters of a picture that comes with a message, and of a name that is shown. */
const MAX_THUMBNAIL = 65_536;
const MAX_NAME = 255;

/** Returns a message as pages show it. */
export function shown(message: ShownMessage, me: number): Message {
  const { id, partner_id: partner, sender_id, timestamp, reply_to, expires_at, client_id, message_type } = message;
  const said = saidIn(message);
  const isOtherKind = message_type !== "text" && said === null && (message_type !== FILE || message.text !== null);
  return {
    id,
    partner,
    isMine: sender_id === me,
    text: message_type === "text" ? message.text : said && (said.text ?? ""),
    files: said?.files.map(shownFile) ?? [],
    isOtherKind,
    timestamp,
    replyTo: reply_to ?? null,
    expiresAt: expires_at ?? null,
    clientId: client_id ?? null,
  };
}

/** Returns what a message says of files, unless it names others than the server does. */
export function saidIn({ message_type, text, attachments }: ShownMessage): FileMessage | null {
  const said = message_type === FILE && text !== null ? parseFiles(text) : null;
  // Of one's own message the browser knows them before the server names them.
  const isNamed = attachments === undefined || isSame(said?.files ?? [], attachments);
  return isNamed ? said : null;
}

/** Returns what pages are told of a file. */
export function shownFile({ file_name, file_type, size, thumbnail }: FileEntry): ShownFile {
  const isSmall = thumbnail !== undefined && thumbnail.length <= MAX_THUMBNAIL;
  return { name: file_name.slice(0, MAX_NAME), type: file_type, size, thumbnail: isSmall ? thumbnail : null };
}

function isSame(files: readonly FileEntry[], attachments: readonly { id: string }[]): boolean {
  return files.length === attachments.length && files.every(({ id }, index) => id === attachments[index]?.id);
}
