// See `run`.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { rsa } from "../../sdk/typescript/build/src/cipher/rsa.js";

/** Texts that fit into one message: of one, two, three and four bytes a character, up to the last byte. */
const TEXTS = {
  "no character": "",
  "a word": "hello",
  umlauts: "grüß dich, Äpfel & Öl",
  emoji: "Grüße 👩‍👩‍👧‍👦 🏳️‍🌈 👋🏽 🇩🇪",
  "a line break and a zero": "a\nb\u0000c",
  "245 bytes": "a".repeat(245),
  "245 bytes that end in an emoji": "a".repeat(241) + "🎉",
  "245 bytes of two each, and one": "ä".repeat(122) + "x",
  "244 bytes of emoji": "🎈".repeat(61),
};
const LONG = "Ein langer Text mit 🎈 und Umlauten (äöüß), der in mehrere Nachrichten zerfällt. ".repeat(12);

let passed = 0;
let failed = 0;
const check = (what, isGood, detail = "") => {
  isGood ? (passed += 1) : (failed += 1);
  console.log(isGood ? `ok: ${what}` : `FAILED: ${what} ${JSON.stringify(detail)}`);
};
const encode = (text) => Buffer.from(text, "utf8").toString("base64");
const decode = (text) => Buffer.from(text, "base64").toString("utf8");

class Java {
  #waiting = [];

  constructor() {
    this.child = spawn("java", [fileURLToPath(new URL("Rsa.java", import.meta.url))], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface({ input: this.child.stdout }).on("line", (line) => this.#waiting.shift()?.(line));
    this.child.on("exit", () => this.#waiting.splice(0).forEach((answer) => answer("java has ended")));
  }

  ask(...words) {
    return new Promise((answer) => {
      this.#waiting.push(answer);
      this.child.stdin.write(`${words.join(" ")}\n`);
    });
  }

  end() {
    this.child.stdin.end();
  }
}

const kept = () => ({ load: async () => null, save: async () => {} });
const pem = (pkcs8) => `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;

const java = new Java();
const client = rsa();
await client.open(kept());
await client.makeKeys();
const own = (await client.exportKeys()).replace(/-----[A-Z ]+-----|\s/g, "");
const [publicKey, privateKey] = (await java.ask("key")).split(" ");
/** The client of somebody who has brought the key along from Java. */
const moved = rsa();
await moved.open(kept());
await moved.importKeys(pem(privateKey));
check("the client takes a key that Java has made", moved.publicKey() === publicKey, [moved.publicKey(), publicKey]);

for (const [what, text] of Object.entries(TEXTS)) {
  const written = await client.encrypt(text, { public_key: publicKey });
  const read = await java.ask("decrypt", privateKey, written.receiver_encrypted);
  check(`Java reads ${what} of the client`, read !== "failed" && decode(read) === text, read);
  const copy = await java.ask("decrypt", own, written.sender_encrypted);
  check(`and the sender's copy, with the client's key`, copy !== "failed" && decode(copy) === text, copy);
  const answered = await java.ask("encrypt", client.publicKey(), encode(text));
  check(`the client reads ${what} of Java`, (await client.decrypt(answered)) === text, answered);
  check("with a key of Java too", (await moved.decrypt(written.receiver_encrypted)) === text);
}

const pieces = client.split(LONG);
const read = [];
for (const piece of pieces) {
  const { receiver_encrypted } = await client.encrypt(piece, { public_key: publicKey });
  read.push(decode(await java.ask("decrypt", privateKey, receiver_encrypted)));
}
check("Java reads a long text piece by piece", pieces.length > 4 && read.join("") === LONG, read);
check(
  "no piece is too long",
  pieces.every((piece) => Buffer.byteLength(piece) <= 245),
);
const tooLong = await client.encrypt("a".repeat(246), { public_key: publicKey }).then(
  () => "written",
  () => "refused",
);
check("246 bytes are refused", tooLong === "refused", tooLong);
const other = await client.encrypt("for Java", { public_key: publicKey });
check("neither reads what is for the other", (await client.decrypt(other.receiver_encrypted)) === null);
check("nor does Java", (await java.ask("decrypt", privateKey, other.sender_encrypted)) === "failed");
java.end();
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
