import { PKCS1_KEM, type PublicKey } from "micro-rsa-dsa-dh/rsa.js";
import { OS2IP } from "micro-rsa-dsa-dh/utils.js";
import { fromBase64, toBase64 } from "../bytes.js";
import type { Cipher, Copies, KeyStore } from "../cipher.js";
import { blockDecrypter } from "./crt.js";
import { openEnvelope, sealEnvelope } from "./envelope.js";

/** Most bytes of a piece: what RSA-2048 with PKCS #1 v1.5 takes (RFC 8017, section 7.2.1). */
const MAX_BYTES = 245;
/** The `message_type` of what fits into RSA as it is. */
const TEXT = "text";
/** As WebCrypto names an RSA key that may be used to encrypt. The hash is of no concern here. */
const ALGORITHM = { name: "RSA-OAEP", hash: "SHA-256" };

/**
 * The encryption of the shipped Android app: RSA-2048 with PKCS #1 v1.5, each message by itself. It hides what is
 * written from the server, and is compatible; it proves no sender and protects no past messages when a key is stolen.
 *
 * WebCrypto makes, imports and exports keys; it does not know this padding, which is micro-rsa-dsa-dh's. Run it in a
 * Worker: decrypting takes some 2 ms.
 */
export function rsa(): Cipher {
  let store: KeyStore | undefined;
  let own: { spki: string; pkcs8: string; key: PublicKey; decryptBlock(block: Uint8Array): Uint8Array } | undefined;

  async function take(pkcs8: string): Promise<void> {
    const secret = await crypto.subtle.importKey("pkcs8", fromBase64(pkcs8), ALGORITHM, true, ["decrypt"]);
    const { n, e, p, q, dp, dq, qi } = await crypto.subtle.exportKey("jwk", secret);
    if (!n || !e || !p || !q || !dp || !dq || !qi) throw new Error("not an RSA key");
    const jwk = { kty: "RSA", n, e };
    const spki = await crypto.subtle.exportKey(
      "spki",
      await crypto.subtle.importKey("jwk", jwk, ALGORITHM, true, ["encrypt"]),
    );
    const key = { n: toNumber(n), e: toNumber(e) };
    const factors = { p: toNumber(p), q: toNumber(q), dP: toNumber(dp), dQ: toNumber(dq), qInv: toNumber(qi) };
    own = { spki: toBase64(spki), pkcs8, key, decryptBlock: blockDecrypter({ ...key, ...factors }) };
  }

  function keys() {
    if (!own) throw new Error("there is no key on this device");
    return own;
  }

  return {
    messageType: TEXT,
    messageTypes: [TEXT, "file"],
    async open(kept) {
      store = kept;
      const pkcs8 = await kept.load();
      if (typeof pkcs8 === "string") await take(pkcs8);
    },
    async makeKeys() {
      const parameters = { ...ALGORITHM, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
      const pair = await crypto.subtle.generateKey(parameters, true, ["encrypt", "decrypt"]);
      await take(toBase64(await crypto.subtle.exportKey("pkcs8", pair.privateKey)));
      await store?.save(keys().pkcs8);
    },
    publicKey: () => own?.spki,
    split,
    async encrypt(text, receiver, messageType = TEXT): Promise<Copies> {
      const theirs = await importPublic(receiver.public_key);
      const encrypt = async (key: PublicKey) => {
        const raw = (bytes: Uint8Array) => PKCS1_KEM.encrypt(key, bytes);
        const bytes = new TextEncoder().encode(text);
        return toBase64(messageType === TEXT ? raw(bytes) : await sealEnvelope(bytes, raw));
      };
      return { receiver_encrypted: await encrypt(theirs), sender_encrypted: await encrypt(keys().key) };
    },
    async decrypt(content, messageType = TEXT) {
      try {
        const { key, decryptBlock } = keys();
        // The padding is taken off by the library, to which the block is encrypted with the exponent 1.
        const raw = (bytes: Uint8Array) => PKCS1_KEM.decrypt({ n: key.n, d: 1n }, decryptBlock(bytes));
        const bytes = fromBase64(content);
        const plain = messageType === TEXT ? raw(bytes) : await openEnvelope(bytes, raw);
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain);
      } catch {
        return null;
      }
    },
    async exportKeys() {
      const lines = keys().pkcs8.match(/.{1,64}/g) ?? [];
      return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
    },
    async importKeys(file) {
      const match = /-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----/.exec(file);
      if (!match) throw new Error("not a PKCS #8 key in PEM");
      await take(match[1]!.replace(/\s/g, ""));
      await store?.save(keys().pkcs8);
    },
  };
}

/** Cuts a text into pieces of at most 245 bytes of UTF-8: between words where possible, else between characters. */
function split(text: string): string[] {
  const pieces: string[] = [];
  let piece = "";
  let bytes = 0;
  /** What the piece is up to the end of its last blank. */
  let words = { length: 0, bytes: 0 };
  for (const character of text) {
    const more = utf8Bytes(character);
    while (bytes + more > MAX_BYTES) {
      const end = words.length > 0 ? words : { length: piece.length, bytes };
      pieces.push(piece.slice(0, end.length));
      piece = piece.slice(end.length);
      bytes -= end.bytes;
      words = { length: 0, bytes: 0 };
    }
    piece += character;
    bytes += more;
    if (/\s/.test(character)) words = { length: piece.length, bytes };
  }
  return piece === "" ? pieces : [...pieces, piece];
}

function utf8Bytes(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
}

async function importPublic(text: string): Promise<PublicKey> {
  const key = await crypto.subtle.importKey("spki", fromBase64(text), ALGORITHM, true, ["encrypt"]);
  const { n, e } = await crypto.subtle.exportKey("jwk", key);
  return { n: toNumber(n), e: toNumber(e) };
}

/** Reads a number as JWK writes it: base64url of its bytes. */
function toNumber(text: string | undefined): bigint {
  return OS2IP(fromBase64(text ?? ""));
}
