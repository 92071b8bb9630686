/** Opening a socket, and getting the tokens for it. */
import { type Api, ApiError } from "../api.js";
import type { Refreshed, Refusal } from "../connection.js";
import { Link, type LinkEvents, type WebSocketConstructor } from "./link.js";

/** Where a socket is opened. */
export interface Opening {
  server: string;
  deviceId: string;
  isBackground: boolean;
  WebSocket: WebSocketConstructor;
}

/**
 * Asks for a ticket, always: a script learns nothing of a handshake that is refused, and everything of a ticket that is.
 */
export async function askForTicket(api: Api): Promise<{ ticket: string } | { refused: Refusal }> {
  try {
    return await api.ticket();
  } catch (error) {
    return { refused: refusalOf(error) };
  }
}

/** Opens a socket with a ticket, which resumes behind a cursor. */
export function openLink(opening: Opening, ticket: string, since: string | null, events: LinkEvents): Link {
  const { server, deviceId, isBackground, WebSocket } = opening;
  const query = new URLSearchParams({ ticket, device_id: deviceId });
  if (since !== null) query.set("since", since);
  if (isBackground) query.set("mode", "background");
  return new Link(WebSocket, `${server.replace(/^http/, "ws")}/chat/ws?${query}`, events);
}

/** Gets new tokens. */
export async function refreshTokens(api: Api): Promise<Refreshed> {
  try {
    await api.refresh();
    return "done";
  } catch (error) {
    const isRefused = error instanceof ApiError && [400, 401, 403, 422].includes(error.status);
    return isRefused ? { refused: error.message } : "unreachable";
  }
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ApiError)) return { passing: { retry_after_ms: null } };
  const { status, message, retryAfterMs } = error;
  if (status === 401) return { unauthorized: message };
  if (status === 403) return { forbidden: message };
  if (status === 429 || status >= 500) return { passing: { retry_after_ms: retryAfterMs } };
  return { final: message };
}
