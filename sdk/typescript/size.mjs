// Measures what a page loads, after minifying and brotli, and fails above the budgets.
import { build } from "esbuild";
import { brotliCompressSync } from "node:zlib";

/** What is loaded, and the bytes that it may have. */
const BUDGETS = [
  ["the client with its store in a browser", ["client.ts", "store/indexeddb.ts"], 12_288],
  ["the cipher of the Android app", ["cipher/rsa.ts"], 3_500],
  ["files in messages, loaded when there are any", ["files.ts"], 8_192],
  ["the state machine alone", ["machine.ts"], 4_000],
];

const src = new URL("src/", import.meta.url).pathname;
for (const [what, files, budget] of BUDGETS) {
  const contents = files.map((file) => `export * from ${JSON.stringify(src + file)};`).join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: src },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const bytes = brotliCompressSync(outputFiles[0].contents).length;
  console.log(`${what}: ${bytes} bytes, budget ${budget}`);
  if (bytes > budget) process.exitCode = 1;
}
