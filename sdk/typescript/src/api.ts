/** REST of a server: typed answers, typed errors, and tokens that are refreshed once for all who wait. */
import type {
  Conversation,
  DeleteFor,
  DeletedFrame,
  Draft,
  ErrorCode,
  HistoryMessage,
  KeyedUser,
  Problem,
  Profile,
  Session,
  Settings,
  StoredFrame,
  Tokens,
  User,
} from "./wire.js";

/** The longest time that a response may take, in milliseconds: the server gives up after 30 s. */
const TIMEOUT_MS = 35_000;

/** A refusal of the server, by its problem (RFC 9457). */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** What went wrong, for programs; `unknown` for an answer that is no problem, such as a proxy's. */
    readonly code: ErrorCode | "unknown",
    detail: string,
    /** Least time to wait before the next try, in milliseconds, if the server names one. */
    readonly retryAfterMs: number | null,
    /** All that the server says. */
    readonly problem: Partial<Problem>,
  ) {
    super(detail);
  }
}

/** There was no response: no network, no server, or none in time. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Where tokens are kept, so that all tabs of a browser share them. */
export interface TokenStore {
  load(): Promise<Tokens | null>;
  save(tokens: Tokens | null): Promise<void>;
}

/** Runs `work` while no other holder of `name` does; the Web Lock API of a browser is one. */
export type Lock = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** What an {@link Api} is made with. */
export interface ApiOptions {
  /** The address of the server, such as `https://chat.example.org`. */
  server: string;
  tokens: TokenStore;
  fetch?: typeof fetch;
  /** Holds other tabs back while this one refreshes tokens; unless given, Web Locks where they exist. */
  lock?: Lock;
}

interface Call {
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** Whether the call takes no token. */
  isOpen?: boolean;
}

/** The REST interface of a server for one user. */
export class Api {
  readonly #server: string;
  readonly #tokens: TokenStore;
  readonly #fetch: typeof fetch;
  readonly #lock: Lock;
  #refreshing: Promise<void> | null = null;

  constructor({ server, tokens, fetch: fetcher, lock }: ApiOptions) {
    this.#server = server.replace(/\/+$/, "");
    this.#tokens = tokens;
    this.#fetch = fetcher ?? ((...request) => fetch(...request));
    this.#lock = lock ?? webLock();
  }

  register(account: { username: string; email: string; password: string; public_key: string; invite?: string }) {
    return this.#ask<{ id: number }>("POST", "/auth/register", { body: account, isOpen: true });
  }

  /** Signs in. With a second factor: an {@link ApiError} whose problem has a `challenge` for {@link logInWithCode}. */
  async logIn(username: string, password: string): Promise<void> {
    await this.#keepTokens("/auth/login", { username, password });
  }

  async logInWithCode(challenge: string, code: string): Promise<void> {
    await this.#keepTokens("/auth/login/second_factor", { challenge, code });
  }

  /** Ends the login, and forgets the tokens even when the server cannot be reached. */
  async logOut(): Promise<void> {
    try {
      await this.#ask<void>("POST", "/auth/logout");
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof Unreachable)) throw error;
    } finally {
      await this.#tokens.save(null);
    }
  }

  /** Ends all logins of the user, this one too. */
  logOutEverywhere = () => this.#ask<void>("POST", "/auth/logout_all");

  /** Changes the password, which ends all logins and begins a new one. */
  async changePassword(old_password: string, new_password: string): Promise<void> {
    const body = { old_password, new_password };
    await this.#tokens.save(await this.#ask<Tokens>("PUT", "/auth/password", { body }));
  }

  profile = () => this.#ask<Profile>("GET", "/users/me");
  setPublicKey = (public_key: string, password?: string) =>
    this.#ask<{ key_id: string }>("PUT", "/users/me/public_key", { body: { public_key, password } });
  changeSettings = (settings: Partial<Settings>) =>
    this.#ask<Settings>("PUT", "/users/me/settings", { body: settings });
  deleteAccount = (password: string, code?: string) =>
    this.#ask<void>("DELETE", "/users/me", { body: { password, code } });
  sessions = () => this.#ask<Session[]>("GET", "/auth/sessions");
  endSession = (id: number) => this.#ask<void>("DELETE", `/auth/sessions/${id}`);

  search = (query: string, after?: number) => this.#ask<User[]>("GET", "/users/search", { query: { query, after } });
  users = (ids: readonly number[]) => this.#ask<KeyedUser[]>("GET", "/users", { query: { ids: ids.join(",") } });
  blocked = (after?: number) => this.#ask<KeyedUser[]>("GET", "/users/blocked", { query: { after } });
  block = (id: number) => this.#ask<void>("PUT", `/users/${id}/block`);
  unblock = (id: number) => this.#ask<void>("DELETE", `/users/${id}/block`);

  conversations = (before?: number) =>
    this.#ask<Conversation[]>("GET", "/chat/conversations", { query: { before, limit: 100 } });
  messages = (partnerID: number, before_id?: number, limit = 100) =>
    this.#ask<HistoryMessage[]>("GET", "/chat/all_messages", { query: { partnerID, before_id, limit } });
  send = (draft: Draft) => this.#ask<StoredFrame>("POST", "/chat/messages", { body: draft });
  deleteMessage = (id: number, side: DeleteFor) =>
    this.#ask<DeletedFrame>("DELETE", `/chat/messages/${id}`, { query: { for: side } });
  ticket = () => this.#ask<{ ticket: string; expires_in: number }>("POST", "/auth/ws_ticket");

  /** Asks anything else of the server, as the user who is signed in. */
  ask<T>(method: string, path: string, call: Pick<Call, "query" | "body"> = {}): Promise<T> {
    return this.#ask<T>(method, path, call);
  }

  /** Gets new tokens, or waits for whoever does. Fails with an {@link ApiError} of status 401 when the login is over. */
  async refresh(): Promise<void> {
    await this.#refresh((await this.#tokens.load())?.access_token);
  }

  /** Gets new tokens once for all who found `spoilt` refused, in this tab and in others. */
  #refresh(spoilt: string | undefined): Promise<void> {
    this.#refreshing ??= this.#lock("fluent:refresh", async () => {
      const tokens = await this.#tokens.load();
      if (!tokens) throw new ApiError(401, "unauthorized", "nobody is signed in", null, {});
      // Another tab was faster.
      if (tokens.access_token !== spoilt) return;
      const { refresh_token } = tokens;
      const call = { body: { refresh_token }, isOpen: true };
      await this.#tokens.save(await this.#ask<Tokens>("POST", "/auth/refresh", call));
    }).finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #keepTokens(path: string, body: unknown): Promise<void> {
    await this.#tokens.save(await this.#ask<Tokens>("POST", path, { body, isOpen: true }));
  }

  /**
   * Makes any other request as the user who is signed in, such as one of a file, and returns the response whatever its
   * status. Fails with {@link Unreachable} when there is none.
   */
  async request(method: string, path: string, request: RequestInit = {}): Promise<Response> {
    const token = (await this.#tokens.load())?.access_token;
    const response = await this.#send(method, path, request, token);
    if (response.status !== 401) return response;
    await this.#refresh(token);
    return this.#send(method, path, request, (await this.#tokens.load())?.access_token);
  }

  async #ask<T>(method: string, path: string, { query = {}, body, isOpen }: Call = {}): Promise<T> {
    const asked = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    if (asked.length > 0) path += `?${new URLSearchParams(asked)}`;
    const request: RequestInit =
      body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await (isOpen ? this.#send(method, path, request) : this.request(method, path, request));
    const text = await response.text().catch(unreachable);
    if (!response.ok) throw refusal(response, text);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  #send(method: string, path: string, request: RequestInit, token?: string): Promise<Response> {
    const headers = { ...request.headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
    const signal = request.signal ?? AbortSignal.timeout(TIMEOUT_MS);
    return this.#fetch(this.#server + path, { cache: "no-store", ...request, method, headers, signal }).catch(
      unreachable,
    );
  }
}

function unreachable(error: unknown): never {
  throw new Unreachable("the server cannot be reached", { cause: error });
}

/** Returns the error of a response that says no. */
export function refusal(response: Response, text: string): ApiError {
  let problem: Partial<Problem> = {};
  try {
    problem = JSON.parse(text) as Problem;
  } catch {
    // Not of the server, but of something before it.
  }
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  const retryAfterMs = problem.retry_after_ms ?? (Number.isFinite(seconds) ? seconds * 1000 : null);
  const detail = problem.detail ?? `the server answers ${response.status}`;
  return new ApiError(response.status, problem.code ?? "unknown", detail, retryAfterMs, problem);
}

/** The Web Lock API where it exists; elsewhere there are no other tabs. */
function webLock(): Lock {
  const locks = globalThis.navigator?.locks;
  return locks ? (name, work) => locks.request(name, work) as never : (_, work) => work();
}
