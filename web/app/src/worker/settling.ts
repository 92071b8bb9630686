/** Keys, people, the account and its logins. */
import type { Calls } from "../bridge/protocol.js";
import type { Answers } from "./entering.js";
import { Refused } from "./failure.js";
import { lockKeyFile, openKeyFile } from "./keyfile.js";
import { forget, known } from "./known.js";
import { fingerprint, safetyNumber } from "./safety.js";
import type { Session } from "./session.js";

type Settling = Pick<
  Calls,
  | "exportKey"
  | "keyWasSaved"
  | "importKey"
  | "newKey"
  | "block"
  | "safetyNumber"
  | "verify"
  | "acceptKey"
  | "account"
  | "changeSettings"
  | "changePassword"
  | "deleteAccount"
  | "sessions"
  | "endSession"
  | "endAllSessions"
  | "push"
  | "setPush"
  | "wake"
>;

export function settling(session: Session): Answers<Settling> {
  /** Returns a user as the server describes them now; without a network as it did last. */
  async function user(id: number) {
    const { client, book } = session.mine;
    const [found] = await client.api.users([id]).catch(() => []);
    const person = found ?? book?.partner(id);
    if (!person) throw new Refused("unreachable");
    return person;
  }

  async function persist(): Promise<void> {
    session.set({ isPersisted: (await navigator.storage?.persist?.().catch(() => false)) ?? false });
  }

  return {
    async exportKey(passphrase) {
      const pem = await session.mine.client.exportKeys();
      return passphrase === null ? pem : lockKeyFile(pem, passphrase);
    },
    async keyWasSaved() {
      session.mine.program.isKeySaved = true;
      await session.mine.save();
      await persist();
      await session.settle();
    },
    async importKey(file, passphrase) {
      const { client, program } = session.mine;
      const pem = await openKeyFile(file, passphrase);
      await client.importKeys(pem).catch(() => {
        throw new Refused("not_a_key");
      });
      if (!(await client.hasKey())) throw new Refused("other_key");
      program.isKeySaved = true;
      await session.mine.save();
      await persist();
      session.tell({ reloaded: true });
      session.mine.book?.touchAll();
      await session.settle();
    },
    async newKey(password) {
      const { client, program } = session.mine;
      await client.replaceKey(password ?? undefined);
      program.isKeySaved = false;
      await session.mine.save();
      await session.settle();
    },
    async block(partner, isBlocked) {
      const { client, book } = session.mine;
      await (isBlocked ? client.api.block(partner) : client.api.unblock(partner));
      book?.setBlocked(partner, isBlocked);
    },
    async safetyNumber(partner) {
      const { client, program } = session.mine;
      const [own, theirs] = [await client.profile(), await user(partner)];
      const groups = await safetyNumber(own, theirs);
      const isVerified = program.people[partner]?.verified === (await fingerprint(theirs.public_key));
      return { groups, code: `fluent-safety:1:${groups.join("")}`, isVerified };
    },
    async verify(partner, isVerified) {
      const { program, book } = session.mine;
      const notes = program.people[partner];
      if (!notes) throw new Refused("unknown_user");
      if (isVerified) notes.verified = await fingerprint((await user(partner)).public_key);
      else delete notes.verified;
      await session.mine.save();
      book?.touch(partner);
    },
    async acceptKey(partner) {
      const { program, book } = session.mine;
      delete program.people[partner]?.verified;
      await session.mine.save();
      book?.touch(partner);
    },
    async account() {
      const { user_name: name, email, settings } = await session.mine.client.api.profile();
      return { name, email, settings };
    },
    changeSettings: async (settings) => session.mine.client.api.changeSettings(settings),
    changePassword: async (old, next) => session.mine.client.api.changePassword(old, next),
    async deleteAccount(password, code) {
      const { client, name } = session.mine;
      await client.api.deleteAccount(password, code ?? undefined);
      await session.close();
      await forget(session.server, name);
      session.set({ phase: "signed_out", user: null, known: (await known(session.server)).names });
    },
    sessions: async () => session.mine.client.api.sessions(),
    endSession: async (id) => session.mine.client.api.endSession(id),
    async endAllSessions() {
      await session.mine.client.api.logOutEverywhere();
      await session.mine.client.signOut();
      await session.settle();
    },
    async push() {
      const { client, program } = session.mine;
      const offers = await client.api.ask<{ webpush?: { vapid_public_key: string } | null }>("GET", "/push/config");
      return { key: offers.webpush?.vapid_public_key ?? null, isWanted: program.isPushed };
    },
    async setPush(address) {
      const { client, store, program } = session.mine;
      const path = `/push/targets/${await store.get("device_id")}`;
      // First of all, so that the wish is kept when the server is not reached.
      program.isPushed = address !== null;
      await session.mine.save();
      if (address === null) return client.api.ask<void>("DELETE", path);
      const { endpoint, p256dh, auth } = address;
      await client.api.ask<unknown>("PUT", path, { body: { provider: "webpush", endpoint, keys: { p256dh, auth } } });
    },
    async wake() {
      session.wake();
    },
  };
}
