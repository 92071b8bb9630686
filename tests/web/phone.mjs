// The Android app, as far as a server sees it: the legacy wire, RSA with PKCS #1 v1.5, and history when it comes back.
import { constants, createPublicKey, generateKeyPairSync, privateDecrypt, publicEncrypt } from "node:crypto";
import { createRequire } from "node:module";
import { PASSWORD } from "./server.mjs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { ws: WebSocket } = require("playwright-core/lib/utilsBundle");

export class Phone {
  /** By their time stamps, which are unique: partner, whether the user wrote it, and both contents. */
  messages = new Map();
  #contents = new Set();
  #keys = new Map();
  #waiting = [];
  #socket = null;
  #isOver = false;

  static async register(server, name) {
    const phone = new Phone();
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const public_key = publicKey.export({ format: "der", type: "spki" }).toString("base64");
    Object.assign(phone, { server, name, privateKey, publicKey });
    await phone.ask("POST", "/auth/register", { username: name, email: name, password: PASSWORD, public_key });
    const { access_token } = await phone.ask("POST", "/auth/login", { username: name, password: PASSWORD });
    phone.token = access_token;
    phone.id = (await phone.ask("GET", "/users/me")).id;
    return phone;
  }

  async ask(method, path, body) {
    const headers = {
      "Content-Type": "application/json",
      ...(this.token && { Authorization: `Bearer ${this.token}` }),
    };
    const answer = await fetch(this.server.origin + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  /** Talks to these users, by their names: opens the socket again and again, and loads what was missed. */
  async talkTo(names) {
    for (const name of names) {
      const user = (await this.ask("GET", `/users/search?query=${encodeURIComponent(name)}`)).find(
        ({ user_name }) => user_name === name,
      );
      const [{ public_key }] = await this.ask("GET", `/users?ids=${user.id}`);
      const key = { key: Buffer.from(public_key, "base64"), format: "der", type: "spki" };
      this.#keys.set(name, { id: user.id, key: createPublicKey(key) });
    }
    void this.#stayConnected();
  }

  async #stayConnected() {
    while (!this.#isOver) {
      try {
        await this.#connect();
        await new Promise((done) => this.#socket.once("close", done));
      } catch {
        // The server is away.
      }
      this.#socket = null;
      this.#wake();
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async #connect() {
    const socket = new WebSocket(`${this.server.origin.replace("http", "ws")}/chat/ws?token=${this.token}`);
    await new Promise((done, fail) => socket.once("open", done).once("error", fail));
    socket.on("message", (data) => this.#take(JSON.parse(String(data))));
    socket.on("error", () => {});
    for (const { id } of this.#keys.values()) await this.#load(id);
    this.#socket = socket;
    this.#wake();
  }

  /** Loads the conversation as far back as it is not here yet. */
  async #load(partner) {
    for (let before = ""; ;) {
      const page = await this.ask("GET", `/chat/all_messages?partnerID=${partner}&limit=100${before}`);
      const isNew = page.filter((message) => this.#take(message)).length > 0;
      if (page.length === 0 || !isNew) return;
      before = `&before_id=${Math.min(...page.map(({ id }) => id))}`;
    }
  }

  /** Returns whether it is new. */
  #take({ sender_id, receiver_id, content, timestamp }) {
    if (content === undefined || this.messages.has(timestamp)) return false;
    const isMine = sender_id === this.id;
    this.messages.set(timestamp, { partner: isMine ? receiver_id : sender_id, isMine, content });
    this.#contents.add(content);
    this.#wake();
    return true;
  }

  /** Sends a text. Done when it has come back, or is found in the history after the connection has ended. */
  async send(name, text) {
    const { id, key } = this.#keys.get(name);
    const seal = (to) => publicEncrypt({ key: to, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(text));
    const [receiver_encrypted, sender_encrypted] = [
      seal(key).toString("base64"),
      seal(this.publicKey).toString("base64"),
    ];
    const frame = { receiverID: id, receiver_encrypted, sender_encrypted, messageType: "text" };
    const isBack = () => this.#contents.has(sender_encrypted);
    while (!isBack()) {
      const socket = this.#socket;
      socket?.send(JSON.stringify(frame));
      while (!isBack() && this.#socket === socket) await new Promise((done) => this.#waiting.push(done));
    }
  }

  #wake() {
    for (const done of this.#waiting.splice(0)) done();
  }

  /** Returns what was said in a conversation, in its order. */
  texts(name) {
    const { id } = this.#keys.get(name);
    const said = [...this.messages].filter(([, { partner }]) => partner === id);
    return said.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, { content }]) => this.#decrypt(content));
  }

  /** Node takes this padding off no more, which would be an oracle for whoever can ask (RFC 8017, section 7.2.2). */
  #decrypt(content) {
    const key = { key: this.privateKey, padding: constants.RSA_NO_PADDING };
    const block = privateDecrypt(key, Buffer.from(content, "base64"));
    return block.subarray(block.indexOf(0, 2) + 1).toString();
  }

  leave() {
    this.#isOver = true;
    this.#socket?.terminate();
  }
}
