import assert from "node:assert/strict";
import { test } from "node:test";
import type { Api } from "../src/api.js";
import type { Cipher } from "../src/cipher.js";
import type { Engine } from "../src/client/engine.js";
import { Sender } from "../src/client/sender.js";
import type { Event } from "../src/machine.js";
import { memory } from "../src/index.js";

/** A sender whose requests for keys are answered by the test, in any order. */
function world() {
  const asked: ((isThere: boolean) => void)[] = [];
  const users = ([id]: number[]) =>
    new Promise((resolve) => asked.push((isThere) => resolve(isThere ? [{ id, public_key: "k", key_id: "k" }] : [])));
  const cipher = {
    messageType: "text",
    split: (text: string) => [text],
    encrypt: async (text: string) => ({ receiver_encrypted: text, sender_encrypted: text }),
  } as unknown as Cipher;
  const api = { users } as unknown as Api;
  const sender = new Sender({ api, cipher, hasKey: async () => true, store: memory(), trusts: undefined });
  const written: string[] = [];
  const post = async (event: Event) => {
    if (typeof event === "object" && "written" in event) written.push(event.written.receiver_encrypted);
  };
  const send = (to: number, text: string) => sender.send({ post } as unknown as Engine, to, text, {});
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  return { asked, send, written, turn };
}

test("messages to one receiver stay in their order, and wait for those to nobody else", async () => {
  const { asked, send, written, turn } = world();
  const [first, second, other] = [send(2, "first"), send(2, "second"), send(3, "other")];
  await turn();
  // The request for the other's key is answered first.
  asked.pop()?.(true);
  await other;
  assert.deepEqual(written, ["other"]);
  for (const answer of asked) answer(true);
  await Promise.all([first, second]);
  assert.deepEqual(written, ["other", "first", "second"]);
});

test("a message that cannot be written holds up none behind it", async () => {
  const { asked, send, written, turn } = world();
  const [first, second] = [send(2, "first"), send(2, "second")];
  first.catch(() => {});
  await turn();
  asked.pop()?.(false);
  await assert.rejects(first);
  await turn();
  asked.pop()?.(true);
  await second;
  assert.deepEqual(written, ["second"]);
});
