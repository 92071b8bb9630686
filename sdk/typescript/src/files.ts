/** Files in messages: encryption, uploads and downloads that go on, and the messages that name them. */
export { FileError, type FileErrorCode } from "./files/error.js";
export { FileKey } from "./files/key.js";
export { isCommitted, writeFiles } from "./files/franking.js";
export { FILE, type FileEntry, type FileMessage, parseFiles } from "./files/message.js";
export { largestWithin, padded, sealedSize } from "./files/padding.js";
export { PART, type Sealed, type Work, open, seal } from "./files/seal.js";
export { type FileStore, indexedDbFiles, memoryFiles } from "./files/store.js";
export { type OutgoingFile, Transfers } from "./files/transfers.js";
