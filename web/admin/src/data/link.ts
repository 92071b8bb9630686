/** Signing in by a link of `fluent-backend admin open`, whose code stands behind the `#`. */
import { call } from "./api.js";
import { identify } from "./identify.js";
import { ended, keep } from "./session.js";

/** Takes the code out of the address, so that nobody finds it there, and returns it. */
export function takeCode(): string | null {
  const code = /^#sign-in=([A-Za-z0-9_-]{43})$/.exec(location.hash)?.[1] ?? null;
  if (code !== null) history.replaceState(null, "", "#/");
  return code;
}

/** Signs in with it. */
export async function signInBy(code: string): Promise<void> {
  try {
    const { token } = await call<{ token: string }>("/admin/sign_in", { method: "POST", body: { code } });
    keep(token, await identify(token));
  } catch {
    ended.value = "This link was used already, or is too old: make another one with fluent-backend admin open.";
  }
}
