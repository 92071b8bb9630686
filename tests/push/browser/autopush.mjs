// The push service of Mozilla, as far as Firefox and a server see it: a WebSocket for the browser, and an endpoint over
// TLS for the server (https://mozilla-push-service.readthedocs.io, RFC 8030).
import { randomBytes, randomUUID } from 'node:crypto';
import { createSecureServer } from 'node:http2';
import { WebSocketServer } from 'ws';

export class PushService {
  // What servers have posted, and what the browser has acknowledged.
  posted = [];
  acknowledged = [];
  #channels = new Map();

  static async start(tls) {
    const service = new PushService();
    await service.#listen(tls);
    return service;
  }

  async #listen(tls) {
    this.sockets = new WebSocketServer({
      host: '127.0.0.1', port: 0, handleProtocols: protocols => protocols.has('push-notification') && 'push-notification',
    });
    this.sockets.on('connection', socket => this.#serve(socket));
    this.endpoints = createSecureServer({ ...tls, allowHTTP1: true }, (request, response) => this.#take(request, response));
    await Promise.all([
      new Promise(done => this.sockets.on('listening', done)),
      new Promise(done => this.endpoints.listen(0, '127.0.0.1', done)),
    ]);
  }

  // Where the browser connects.
  get url() {
    return `ws://127.0.0.1:${this.sockets.address().port}/`;
  }

  // Host and port of the endpoints.
  get place() {
    return `localhost:${this.endpoints.address().port}`;
  }

  #serve(socket) {
    const say = message => socket.send(JSON.stringify(message));
    socket.on('message', data => {
      const message = JSON.parse(data);
      if (message.messageType === 'hello') {
        const uaid = message.uaid || randomBytes(16).toString('hex');
        say({ messageType: 'hello', status: 200, uaid, use_webpush: true, broadcasts: {} });
      } else if (message.messageType === 'register') {
        const path = `/wpush/v2/${randomBytes(24).toString('base64url')}`;
        this.#channels.set(path, { socket, channelID: message.channelID, key: message.key });
        const pushEndpoint = `https://${this.place}${path}`;
        say({ messageType: 'register', status: 200, channelID: message.channelID, pushEndpoint });
      } else if (message.messageType === 'ack') {
        this.acknowledged.push(...message.updates);
      } else if (message.messageType === 'unregister') {
        say({ messageType: 'unregister', status: 200, channelID: message.channelID });
      } else if (Object.keys(message).length === 0) {
        socket.send('{}');
      }
    });
  }

  async #take(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    this.posted.push({ path: request.url, headers: { ...request.headers }, body });
    const channel = this.#channels.get(request.url);
    if (!channel) return response.writeHead(404).end();
    channel.socket.send(JSON.stringify({
      messageType: 'notification',
      channelID: channel.channelID,
      version: randomUUID(),
      ttl: Number(request.headers.ttl),
      data: body.toString('base64url'),
      headers: { encoding: request.headers['content-encoding'] },
    }));
    response.writeHead(201, { location: `https://${this.place}/m/${randomUUID()}` }).end();
  }

  stop() {
    this.endpoints.close();
    this.sockets.close();
    for (const socket of this.sockets.clients) socket.terminate();
  }
}
