import { Client, memory, rsa } from "@fluent/client";

const server = process.env["SERVER"] ?? "http://127.0.0.1:8000";
const password = "correct horse battery staple";

// In a browser: location.origin, and indexedDb() instead of memory().
const alice = await Client.open({ server, store: memory(), cipher: rsa() });
const bob = await Client.open({ server, store: memory(), cipher: rsa() });
await alice.register({ username: "alice", email: "alice@example.org", password });
await bob.register({ username: "bob", email: "bob@example.org", password });

bob.on("state", (state) => console.log("bob is", state));
bob.on("message", async (message) => {
  console.log("bob reads:", message.text);
  await bob.read(message);
});

const to = await alice.find("bob");
if (!to) throw new Error("there is no bob");
const sent = await alice.send(to, "hello"); // resolves when it is in the outbox, on disk
const [placed] = await sent.stored; // the server has it
console.log("stored at", placed?.timestamp);

for await (const page of alice.history(to)) {
  for (const message of page) console.log("alice wrote:", message.text);
}
