/** Whose token it is. */
import { call } from "./api.js";
import type { Operator } from "./session.js";
import type { OperatorToken } from "./types.js";

/** Asks the server about a token. Throws when it refuses the token. */
export async function identify(token: string): Promise<Operator> {
  const { tokens } = await call<{ tokens: OperatorToken[] }>("tokens", { as: token });
  const id = /^fla_([0-9a-f]{12})_/.exec(token)?.[1];
  const own = tokens.find((one) => one.id === id);
  return { name: own?.name ?? null, scope: own?.scope ?? null };
}
