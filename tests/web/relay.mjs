// A relay in front of a server: all connections through it can be cut at once, and refused.
import { connect, createServer } from "node:net";

export class Relay {
  #sockets = new Set();
  isOpen = true;
  #listener = createServer((near) => {
    if (!this.isOpen) return void near.destroy();
    const far = connect(this.to, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(one);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  });

  static async start(to) {
    const relay = new Relay();
    relay.to = to;
    await new Promise((done) => relay.#listener.listen(0, "127.0.0.1", done));
    relay.port = relay.#listener.address().port;
    return relay;
  }

  get origin() {
    return `http://localhost:${this.port}`;
  }

  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  close() {
    this.#listener.close();
    this.cut();
  }
}
