/** Conversations: what is written, read, searched and removed. */
import type { Calls, Message, Person } from "../bridge/protocol.js";
import type { Answers } from "./entering.js";
import { Refused } from "./failure.js";
import { note } from "./program.js";
import type { Session } from "./session.js";
import { shown } from "./shown.js";

/** Most messages that a search finds, and those of a conversation that it looks at. */
const MAX_FOUND = 50;
const MAX_SEARCHED = 5_000;

type Talking = Pick<
  Calls,
  | "find"
  | "search"
  | "history"
  | "message"
  | "send"
  | "parts"
  | "sendFiles"
  | "openFile"
  | "stopFile"
  | "retry"
  | "discard"
  | "remove"
  | "read"
  | "typing"
  | "keepDraft"
  | "expire"
  | "exportHistory"
>;

export function talking(session: Session): Answers<Talking> {
  /** Returns a partner's messages from the newest on, as far as they are here. */
  async function* here(partner: number, most: number): AsyncGenerator<Message> {
    const { client, me } = session.mine;
    let before: number | undefined;
    for (let count = 0; count < most;) {
      const page = await client.here(partner, 200, before);
      for (const message of page) yield shown(message, me);
      if (page.length === 0) return;
      count += page.length;
      before = page.at(-1)?.id;
    }
  }

  function known(): Person[] {
    return Object.entries(session.mine.program.people).map(([id, { name }]) => ({ id: Number(id), name }));
  }

  /** Who is being noted: all that is written meanwhile waits for the same answer, and keeps its order. */
  const meeting = new Map<number, Promise<void>>();

  /** Notes somebody to whom nothing was written yet. */
  async function meet(partner: number): Promise<void> {
    const { client, program } = session.mine;
    if (program.people[partner]) return meeting.get(partner);
    const met = async () => {
      const [user] = await client.api.users([partner]);
      if (!user) throw new Refused("unknown_user");
      note(program, user, session.mine.now());
    };
    const known = meeting.get(partner) ?? met().finally(() => meeting.delete(partner));
    meeting.set(partner, known);
    return known;
  }

  const isFile = (clientId: string) => session.mine.program.outgoing.some((note) => note.clientId === clientId);

  return {
    async find(name) {
      const here = known().find((person) => person.name === name);
      if (here) return here;
      const user = await session.mine.client.find(name);
      return user ? { id: user.id, name: user.user_name } : null;
    },
    async search(query) {
      const word = query.trim().toLowerCase();
      if (word === "") return { people: [], messages: [] };
      const { client } = session.mine;
      // Without a network people are those who are known here.
      const found = await client.api.search(query.trim()).catch(() => null);
      const people = found
        ? found.map(({ id, user_name }) => ({ id, name: user_name }))
        : known().filter(({ name }) => name.toLowerCase().includes(word));
      const messages: Message[] = [];
      for (const { id } of known()) {
        for await (const message of here(id, MAX_SEARCHED)) {
          const said = [message.text ?? "", ...message.files.map((file) => file.name)];
          if (said.some((one) => one.toLowerCase().includes(word))) messages.push(message);
        }
      }
      messages.sort((one, other) => other.timestamp.localeCompare(one.timestamp));
      return { people, messages: messages.slice(0, MAX_FOUND) };
    },
    async history(partner, before, limit) {
      const { client, me } = session.mine;
      for await (const page of client.history(partner, limit, before ?? undefined)) {
        return page.map((message) => shown(message, me));
      }
      return [];
    },
    async message(id) {
      const { client, store, me } = session.mine;
      const kept = await store.message(id);
      if (!kept) return null;
      const [message] = await client.here(kept.partner_id, 1, id + 1);
      return message ? shown(message, me) : null;
    },
    async send(partner, text, replyTo) {
      const { client, program, book } = session.mine;
      await meet(partner);
      const expiresInS = program.timers[partner] ?? null;
      const options = { ...(replyTo === null ? {} : { replyTo }), ...(expiresInS === null ? {} : { expiresInS }) };
      await client.send(partner, text, options);
      delete program.drafts[partner];
      await session.mine.save();
      book?.touch(partner);
    },
    parts: async (text) => session.mine.cipher.split(text).length,
    async sendFiles(partner, files, caption, replyTo) {
      await meet(partner);
      await (await session.mine.files()).send(partner, files, caption, replyTo);
      session.mine.book?.touch(partner);
    },
    openFile: async (message, index) => (await session.mine.files()).fetch(message, index),
    stopFile: async (key) => (await session.mine.files()).stop(key),
    async retry(clientId) {
      if (isFile(clientId)) (await session.mine.files()).retry(clientId);
      else await session.mine.client.retry(clientId);
    },
    async discard(clientId) {
      await (isFile(clientId) ? (await session.mine.files()).stop(clientId) : session.mine.client.discard(clientId));
    },
    async remove(id, side) {
      const { client, store, book } = session.mine;
      const message = await store.message(id);
      await client.delete(id, side);
      session.tell({ gone: id });
      if (message) book?.touch(message.partner_id);
    },
    read: async (partner, id) => session.mine.client.read({ sender_id: partner, id }),
    typing: async (partner, isActive) => session.mine.client.typing(partner, isActive),
    async keepDraft(partner, text) {
      const { program, book } = session.mine;
      if ((program.drafts[partner] ?? "") === text) return;
      if (text === "") delete program.drafts[partner];
      else program.drafts[partner] = text;
      await session.mine.save();
      book?.touch(partner);
    },
    async expire(partner, seconds) {
      const { program, book } = session.mine;
      if (seconds === null) delete program.timers[partner];
      else program.timers[partner] = seconds;
      await session.mine.save();
      book?.touch(partner);
    },
    async exportHistory() {
      const conversations = [];
      for (const { id, name } of known()) {
        const messages = [];
        for await (const { isMine, text, timestamp, files } of here(id, Infinity)) {
          const named = files.length > 0 ? { files: files.map((file) => file.name) } : {};
          messages.push({ from: isMine ? "me" : name, timestamp, text, ...named });
        }
        if (messages.length > 0) conversations.push({ with: name, messages: messages.reverse() });
      }
      return JSON.stringify({ exported_at: session.mine.now(), conversations }, null, 1);
    },
  };
}
