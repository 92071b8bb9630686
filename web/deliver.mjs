// Writes what a build has made into its folder, which is committed, so that the server builds without Node. `--check`
// compares instead.
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  gzipSync,
} from "node:zlib";

/** Files whose text browsers take compressed. */
const TEXT = /\.(html|js|css|svg|txt|webmanifest)$/;

function compress(contents) {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
  return brotliCompressSync(contents, {
    params: {
      [BROTLI_PARAM_QUALITY]: 11,
      [BROTLI_PARAM_SIZE_HINT]: contents.length,
    },
  });
}

/** Compresses as servers and proxies do that know nothing better. */
export function gzip(contents) {
  return gzipSync(contents, { level: 9 });
}

async function write(files, dist) {
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  for (const [name, contents] of files) {
    await writeFile(new URL(name, dist), contents);
    if (TEXT.test(name))
      await writeFile(new URL(`${name}.br`, dist), compress(contents));
  }
}

/** Returns what differs from the committed files. Another Node may compress otherwise: then what counts is what comes out. */
async function differences(files, dist) {
  const names = new Set(await readdir(dist).catch(() => []));
  const wrong = [];
  for (const [name, contents] of files) {
    const texts = TEXT.test(name) ? [name, `${name}.br`] : [name];
    for (const one of texts) {
      const found = names.delete(one)
        ? await readFile(new URL(one, dist))
        : null;
      const plain =
        found && one.endsWith(".br") ? brotliDecompressSync(found) : found;
      if (!plain?.equals(contents)) wrong.push(one);
    }
  }
  return [...wrong, ...names];
}

/** Writes the files into `dist`, or compares them with what is there; `command` makes them anew. */
export async function deliver(files, dist, command) {
  if (!process.argv.includes("--check")) return write(files, dist);
  const wrong = await differences(files, dist);
  if (wrong.length === 0) return undefined;
  const folder = dist.pathname.split("/").slice(-4, -1).join("/");
  console.error(
    `${folder} is out of date (${wrong.join(", ")}): run ${command} in web`,
  );
  process.exitCode = 1;
  return undefined;
}

/** Holds the files with these names to a budget, in bytes as compressed, by brotli unless said otherwise. */
export function hold(what, files, names, budget, by = compress) {
  const bytes = [...names].reduce(
    (sum, name) => sum + by(files.get(name)).length,
    0,
  );
  console.log(`${what}: ${bytes} bytes, budget ${budget}`);
  if (bytes > budget) process.exitCode = 1;
}
