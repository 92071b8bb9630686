// Makes web/dist/app/ of the sources. The files are committed, so that the server builds without Node, and the same
// whoever makes them: `--check` makes them again and compares, and holds the sizes to their budgets.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { deliver, hold } from "../deliver.mjs";

const here = new URL("./", import.meta.url);
const dist = new URL("../dist/app/", import.meta.url);
const module = (path) => new URL(`../node_modules/${path}`, import.meta.url).pathname;
const BASE = "/app/";

/**
 * Most bytes, compressed by brotli, of the files whose names match, and of the scripts that those import at once; what
 * the last column names is there before, with its imports.
 */
const BUDGETS = [
  ["the first load: page, script and style", /^(index\.html|main-|app-)/, 30_000],
  ["the Worker, which starts beside it", /^worker-[A-Z0-9]{8}\.js/, 26_500],
  ["the style", /^app-.*\.css$/, 4_500],
  ["files in messages, and their style", /^files-/, 5_000],
  ["their encryption and transfers", /^worker-files-/, 9_000],
  ["the other screens", /^others-/, 8_000],
  ["notifications", /^push-/, 1_500],
  ["codes for cameras", /^qr-/, 15_000],
  ["reading them, beside what shows one", /^scan-/, 15_000, /^qr-/],
  ["keys from passphrases", /^worker-argon2-/, 7_000],
  ["everything", /^/, 150_000],
];

const options = {
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: ["chrome123", "firefox128", "safari17.5"],
  absWorkingDir: here.pathname,
  outdir: dist.pathname,
  legalComments: "none",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  // The client's own packages, in the versions of this folder.
  alias: {
    idb: module("idb"),
    "micro-rsa-dsa-dh": module("micro-rsa-dsa-dh"),
    "@noble/hashes": module("@noble/hashes"),
  },
  chunkNames: "[name]-[hash]",
  entryNames: "[name]-[hash]",
};

/** Returns the files that esbuild makes, by their names. */
async function bundle(entry, more = {}) {
  const { outputFiles } = await build({ ...options, ...more, entryPoints: [entry] });
  return new Map(outputFiles.map(({ path, contents }) => [path.slice(dist.pathname.length), Buffer.from(contents)]));
}

/** Returns the only name of a file that begins and ends so. */
function nameIn(files, start, end) {
  return [...files.keys()].find((name) => name.startsWith(start) && name.endsWith(end));
}

/** Returns a script with all that it imports at once. */
function withImports(files, name) {
  const text = files.get(name).toString();
  const imported = [...text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)].map(([, other]) => other);
  return [name, ...imported.flatMap((other) => withImports(files, other))];
}

async function make() {
  const read = (name) => readFile(new URL(name, here));
  const sources = createHash("sha256");
  const files = new Map();
  const add = (more) => more.forEach((contents, name) => files.set(name, contents));

  const worker = await bundle("src/worker/worker.ts", { splitting: true, chunkNames: "worker-[name]-[hash]" });
  add(worker);
  const style = await bundle("css/app.css");
  add(style);
  const filesStyle = await bundle("css/files.css");
  add(filesStyle);
  const workerName = [...worker.keys()].find((name) => /^worker-[A-Z0-9]{8}\.js$/.test(name));
  for (const contents of [...worker.values(), ...style.values(), ...filesStyle.values()]) sources.update(contents);
  // The version names what the page is made of; the page holds it, so it cannot be made of the page.
  const styled = { FILES_CSS_URL: JSON.stringify(BASE + nameIn(filesStyle, "files-", ".css")) };
  const none = { ...styled, WORKER_URL: '""', VERSION: '""' };
  const first = await bundle("src/main.tsx", { define: none, splitting: true });
  for (const contents of first.values()) sources.update(contents);
  const version = sources.digest("hex").slice(0, 8);
  const define = { ...styled, WORKER_URL: JSON.stringify(BASE + workerName), VERSION: JSON.stringify(version) };
  const page = await bundle("src/main.tsx", { define, splitting: true });
  add(page);

  const html = (await read("index.html"))
    .toString()
    .replace("%CSS%", BASE + nameIn(style, "app-", ".css"))
    .replace("%CHUNK%", BASE + withImports(page, nameIn(page, "main-", ".js"))[1])
    .replace("%JS%", BASE + nameIn(page, "main-", ".js"));
  files.set("index.html", Buffer.from(html));
  for (const name of ["manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png"]) {
    files.set(name, await read(name));
  }
  const kept = [...files.keys()].sort().map((name) => (name === "index.html" ? BASE : BASE + name));
  const service = await bundle("src/sw/sw.ts", {
    entryNames: "[name]",
    define: { VERSION: JSON.stringify(version), FILES: JSON.stringify(kept) },
  });
  add(service);
  return files;
}

const files = await make();
await deliver(files, dist, "npm run app");
const started = new Set(
  [...files.keys()]
    .filter((name) => /^(main|worker)-[A-Z0-9]{8}\.js$/.test(name))
    .flatMap((name) => withImports(files, name)),
);
for (const [what, pattern, budget, before] of BUDGETS) {
  const there = [...files.keys()].filter((name) => before?.test(name)).flatMap((name) => withImports(files, name));
  const named = [...files.keys()].filter((name) => pattern.test(name));
  const imported = named.filter((name) => name.endsWith(".js")).flatMap((name) => withImports(files, name));
  // What is loaded at the start is there already when anything else is.
  const isStart = named.some((name) => started.has(name));
  const counted = new Set([
    ...named,
    ...imported.filter((name) => isStart || !(started.has(name) || there.includes(name))),
  ]);
  hold(what, files, counted, budget);
}
