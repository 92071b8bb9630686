/** Signing in and out, and the lock of what is kept here. */
import { ApiError } from "../../../../sdk/typescript/src/api.js";
import type { Calls, Person, Registration } from "../bridge/protocol.js";
import { Refused } from "./failure.js";
import { forget, isSameName, known } from "./known.js";
import type { Session } from "./session.js";

type Entering = Pick<
  Calls,
  | "register"
  | "signIn"
  | "signInWithCode"
  | "signOut"
  | "forget"
  | "unlock"
  | "setPassphrase"
  | "removePassphrase"
  | "lock"
>;

/** A call's implementation. */
export type Answers<Some> = {
  [Name in keyof Some]: Some[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Result>
    : never;
};

export function entering(session: Session): Answers<Entering & Pick<Calls, "registration" | "demo">> {
  async function ask<T>(path: string, body?: unknown): Promise<T> {
    const init: RequestInit = { cache: "no-store" };
    if (body !== undefined) {
      Object.assign(init, { method: "POST", headers: { "Content-Type": "application/json" } });
      init.body = JSON.stringify(body);
    }
    const response = await fetch(session.server + path, init).catch(() => null);
    if (!response) throw new Refused("unreachable");
    if (!response.ok) throw new Refused(response.status === 404 ? "not_found" : "unavailable");
    return (await response.json()) as T;
  }

  /** Ends an attempt to sign in that led nowhere: of a new name nothing is left. */
  async function clean(name: string): Promise<void> {
    const { names } = await known(session.server);
    if (names.some((one) => isSameName(one, name))) return;
    await session.close();
    await forget(session.server, name);
    session.set({ phase: "signed_out", user: null });
  }

  async function signingIn(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await clean(name);
      throw error;
    }
    await session.signedIn();
  }

  return {
    registration: () => ask<Registration>("/registration"),
    async register({ username, email, password, invite }) {
      const account = await session.use(username);
      if (await account.store.get("user")) throw new Refused("known_here");
      const more = invite === "" ? {} : { invite };
      await signingIn(username, () => account.client.register({ username, email, password, ...more }));
    },
    async signIn(username, password) {
      const { client } = await session.use(username);
      try {
        await signingIn(username, () => client.signIn({ username, password }));
        return { challenge: null };
      } catch (error) {
        const challenge = error instanceof ApiError ? error.problem.challenge : null;
        if (!challenge) throw error;
        return { challenge };
      }
    },
    async signInWithCode(username, challenge, code) {
      const { client } = await session.use(username);
      await signingIn(username, () => client.signInWithCode(challenge, code));
    },
    async demo(code) {
      const given = await ask<{
        username: string;
        password: string;
        private_key: string;
        partner: { user_id: number; username: string };
      }>("/app/demo", { code });
      const { username, password } = given;
      // What an earlier demonstration left under this name.
      await session.close();
      await forget(session.server, username);
      const account = await session.open(username, null);
      await account.client.importKeys(given.private_key);
      account.program.isKeySaved = true;
      await account.save();
      await signingIn(username, () => account.client.signIn({ username, password }));
      return { id: given.partner.user_id, name: given.partner.username } satisfies Person;
    },
    async signOut(isForgetting) {
      const { client, name } = session.mine;
      await client.signOut();
      if (!isForgetting) return session.settle();
      await session.close();
      await forget(session.server, name);
      session.set({ phase: "signed_out", user: null, known: (await known(session.server)).names });
    },
    async forget(username) {
      if (session.account && isSameName(session.account.name, username)) await session.close();
      await forget(session.server, username);
      session.set({ phase: "signed_out", user: null, known: (await known(session.server)).names });
    },
    async unlock(passphrase) {
      if (session.locked !== null) await session.open(session.locked, passphrase);
    },
    async setPassphrase(passphrase) {
      await relock(null, passphrase);
    },
    async removePassphrase(passphrase) {
      await relock(passphrase, null);
    },
    async lock() {
      const { name } = session.mine;
      await session.open(name, null).catch(() => {});
    },
  };

  async function relock(old: string | null, next: string | null): Promise<void> {
    const { account } = session;
    if (!account) throw new Refused("unauthorized");
    await account.changeLock(old, next).catch(async (error: unknown) => {
      // It is as it was.
      await session.open(account.name, old).catch(() => {});
      throw error;
    });
    await session.open(account.name, next);
  }
}
