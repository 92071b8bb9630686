// See `run`.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createListener } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import webpush from 'web-push';
import { PushService } from './autopush.mjs';
import { webClient } from './client.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'fluent-browser-'));
const PASSWORD = 'correct horse battery staple';
// Nothing of this may be in what a push service gets.
const MARKERS = ['markeralice', 'markerbob', 'markertext'];
let passed = 0;
let failed = 0;

const check = (what, isGood, detail = '') => {
  isGood ? (passed += 1) : (failed += 1);
  console.log(isGood ? `ok: ${what}` : `FAILED: ${what} ${JSON.stringify(detail)}`);
};

// Waits until `probe` returns something, for half a minute.
const eventually = async (what, probe) => {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await probe();
    if (found) return found;
    await new Promise(done => setTimeout(done, 100));
  }
  throw new Error(`in vain: ${what}`);
};

const freePort = () => new Promise(done => {
  const listener = createListener().listen(0, '127.0.0.1', () => {
    const { port } = listener.address();
    listener.close(() => done(port));
  });
});

// An authority, and a certificate for `localhost` that it has signed.
const certificates = () => {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=a test');
  openssl('req', '-x509', ...key, '-keyout', 'own.key', '-out', 'own.pem', '-days', '2', '-subj', '/CN=localhost',
    '-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', 'subjectAltName=DNS:localhost',
    '-addext', 'basicConstraints=critical,CA:FALSE');
  return { cert: readFileSync(join(dir, 'own.pem')), key: readFileSync(join(dir, 'own.key')) };
};

const startServer = async (program, service) => {
  const port = await freePort();
  const settings = {
    SERVER__LISTEN: `127.0.0.1:${port}`, SERVER__DATA_DIR: join(dir, 'data'), ADMIN__LISTEN: '127.0.0.1:0',
    LIMITS__ENABLED: 'false', PUSH__CA_FILE: join(dir, 'ca.pem'), PUSH__WEBPUSH__ALLOW: service.place,
    PUSH__WEBPUSH__CONTACT: 'mailto:ops@example.org',
  };
  const env = { ...process.env };
  for (const [name, value] of Object.entries(settings)) env[`FLUENT__${name}`] = value;
  const log = openSync(join(dir, 'log'), 'w');
  const child = spawn(program, [], { env, cwd: dir, stdio: ['ignore', log, log] });
  const url = `http://127.0.0.1:${port}`;
  await eventually('the server starts', () => fetch(`${url}/root`).then(answer => answer.ok, () => false));
  return { child, url };
};

const ask = async (url, method, path, { body, token, headers = {} } = {}) => {
  const answer = await fetch(url + path, {
    method,
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }), ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  let json = text;
  try { json = JSON.parse(text); } catch { /* no JSON */ }
  return { status: answer.status, json };
};

const signUp = async (url, username) => {
  const user = { username, email: `${username}@example.org`, password: PASSWORD, public_key: 'AAAA' };
  const registered = await ask(url, 'POST', '/auth/register', { body: user });
  const { json } = await ask(url, 'POST', '/auth/login', { body: { username, password: PASSWORD } });
  return { id: registered.json.id ?? registered.json.user_id, token: json.access_token };
};

const startBrowser = service => puppeteer.launch({
  browser: 'firefox',
  executablePath: execFileSync('sh', ['-c', 'command -v firefox-esr']).toString().trim(),
  headless: true,
  userDataDir: join(dir, 'profile'),
  extraPrefsFirefox: {
    'dom.push.connection.enabled': true,
    'dom.push.serverURL': service.url,
    'dom.push.testing.allowInsecureServerURL': true,
    'dom.push.testing.ignorePermission': true,
    'permissions.default.desktop-notification': 1,
    // Without a desktop there is no service that shows notifications.
    'alerts.useSystemBackend': false,
  },
});

// What another library would send for this subscription: the same headers, of the same form.
const compare = (posted, subscription) => {
  const { publicKey, privateKey } = webpush.generateVAPIDKeys();
  const theirs = webpush.generateRequestDetails(subscription, 'x', {
    TTL: 2419200, urgency: 'high', topic: 'wake', contentEncoding: 'aes128gcm',
    vapidDetails: { subject: 'mailto:ops@example.org', publicKey, privateKey },
  });
  const form = /^vapid t=[\w-]+\.[\w-]+\.[\w-]+, k=[\w-]{87}$/;
  for (const [name, value] of Object.entries(theirs.headers)) {
    const own = posted.headers[name.toLowerCase()];
    const isSame = name === 'Authorization' ? form.test(own) && form.test(value)
      : name === 'Content-Length' ? own === '230' : String(value) === own;
    check(`the header ${name} is as web-push makes it`, isSame, [own, value]);
  }
};

const test = async (program, closing) => {
  const service = await PushService.start(certificates());
  closing.push(() => service.stop());
  const { child, url } = await startServer(program, service);
  closing.push(() => child.kill());
  const pages = createServer((request, response) => {
    const file = request.url === '/worker.js' ? 'worker.js' : 'page.html';
    response.setHeader('Content-Type', file === 'worker.js' ? 'text/javascript' : 'text/html');
    response.end(readFileSync(join(here, file)));
  });
  await new Promise(done => pages.listen(0, '127.0.0.1', done));
  closing.push(() => pages.close());

  const alice = await signUp(url, 'markeralice');
  const bob = await signUp(url, 'markerbob');
  const offers = await ask(url, 'GET', '/push/config', { token: alice.token });
  const key = offers.json.webpush?.vapid_public_key;
  check('the server offers its key', offers.status === 200 && key?.length === 87, offers);

  const browser = await startBrowser(service);
  closing.push(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${pages.address().port}/`);
  const subscription = await page.evaluate(key => window.subscribe(key), key);
  check('the browser has subscribed', subscription.endpoint.startsWith(`https://${service.place}/`), subscription);

  const target = '/push/targets/firefox-1';
  const registered = await ask(url, 'PUT', target, { token: alice.token, body: { provider: 'webpush', ...subscription } });
  check('the subscription is registered', registered.status === 201, registered);

  const me = await ask(url, 'GET', '/users/search?query=markeralice', { token: bob.token });
  const to = alice.id ?? me.json[0].id;
  const sent = await ask(url, 'POST', '/chat/messages', {
    token: bob.token,
    headers: { 'Idempotency-Key': 'n1' },
    body: { to, receiver_encrypted: 'markertext', sender_encrypted: 'markertext', message_type: 'text' },
  });
  check('a message for somebody who is offline', sent.status < 300, sent);

  const told = await eventually('the service worker is woken', () => page.evaluate(() => window.told[0]));
  const wake = JSON.parse(told);
  check('the worker has read the wake-up', wake.t === 'wake' && wake.w.length === 16, told);
  check('and nothing else', Object.keys(wake).length === 2, told);
  check('the browser shows something', (await page.evaluate(() => window.shown())).includes('New message'));
  const acknowledged = await eventually('the browser acknowledges it', () => service.acknowledged[0]);
  check('it was decrypted and delivered', acknowledged.code === 100, acknowledged);
  check('one push was sent', service.posted.length === 1, service.posted.length);
  const [posted] = service.posted;
  const text = JSON.stringify(posted.headers) + posted.path + told;
  check('the push names nobody', !MARKERS.some(marker => text.includes(marker)), text);
  compare(posted, subscription);

  const synced = await ask(url, 'GET', `/chat/sync?device_id=firefox-1&wake=${wake.w}`, { token: alice.token });
  check('the device comes', synced.status === 200, synced);
  const targets = await ask(url, 'GET', '/push/targets', { token: alice.token });
  check('the server knows of it', targets.json[0]?.last_wake_outcome === 'accepted', targets);
  await page.close();
  await webClient({ browser, url, service, ask, signUp, eventually, check });
};

const closing = [];
try {
  await test(process.argv[2], closing);
} catch (error) {
  check('the test', false, String(error.stack));
}
if (failed) console.log(execFileSync('sh', ['-c', `tail -50 ${join(dir, 'log')} 2>/dev/null || true`]).toString());
for (const close of closing.reverse()) await close();
rmSync(dir, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
