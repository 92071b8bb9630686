/** Requests to the admin API of the server that this page comes from. */
import { signOut, token } from "./session.js";

const BASE = "/admin/api/";
/** Longest wait for an answer: the database may be slow, and then operators look. */
const TIMEOUT_MS = 20_000;

/** Why a request has failed. */
export class Failure extends Error {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }

  /** Whether the server has nothing at this path. */
  get isAbsent(): boolean {
    return this.status === 404;
  }
}

/** What a request may have. */
export interface Wanted {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
  /** Instead of the one that is signed in. */
  as?: string;
  timeoutMs?: number;
}

/** Sends a request and returns its response, if that is a success. */
export async function request(path: string, wanted: Wanted = {}): Promise<Response> {
  const used = wanted.as ?? token.value;
  const headers: Record<string, string> = { accept: "application/json" };
  if (used !== null) headers.authorization = `Bearer ${used}`;
  const init: RequestInit = { method: wanted.method ?? "GET", headers, cache: "no-store", redirect: "error" };
  if (wanted.body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(wanted.body);
  }
  if (wanted.signal) init.signal = wanted.signal;
  let response: Response;
  try {
    response = await fetch(path.startsWith("/") ? path : BASE + path, init);
  } catch (error) {
    if (wanted.signal?.aborted) throw error;
    throw new Failure(0, "The server does not answer.");
  }
  if (response.ok) return response;
  const detail = await problem(response);
  if (response.status === 401 && wanted.as === undefined && used === token.value) {
    signOut("The token is not valid any more: it has expired, or was revoked.");
  }
  throw new Failure(response.status, detail);
}

/** Sends a request and returns the JSON of its response; undefined when that has no body. */
export async function call<T>(path: string, wanted: Wanted = {}): Promise<T> {
  const limit = AbortSignal.timeout(wanted.timeoutMs ?? TIMEOUT_MS);
  const signal = wanted.signal ? AbortSignal.any([wanted.signal, limit]) : limit;
  const response = await request(path, { ...wanted, signal });
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** Returns what a refusal says (RFC 9457). */
async function problem(response: Response): Promise<string> {
  const document = (await response.json().catch(() => null)) as { detail?: string; title?: string } | null;
  return sentence(document?.detail ?? document?.title ?? `the server has answered ${response.status}`);
}

/** Returns a text of the server as a sentence. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** Returns what a failure says to a person. */
export function said(error: unknown): string {
  if (error instanceof Failure) return error.message;
  if (error instanceof DOMException && error.name === "TimeoutError") return "The server takes too long to answer.";
  return String(error);
}

/** Returns a path with the parameters that have a value. */
export function withQuery(path: string, parameters: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}
