// Makes web/dist/admin/ of the sources. The files are committed, so that the server builds without Node, and the same
// whoever makes them: `--check` makes them again and compares.
import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { deliver, hold } from "../deliver.mjs";
import { runbook } from "./runbook.mjs";

const here = new URL("./", import.meta.url);
const dist = new URL("../dist/admin/", import.meta.url);
const packages = new URL("../node_modules/", import.meta.url);
const BASE = "/admin/";

/** What the page is made of beside its own sources. */
const PACKAGES = ["preact", "@preact/signals", "@preact/signals-core", "uplot"];

/** Most bytes, compressed by brotli. By gzip it is about a tenth more: all of it stays below 60 kB. */
const BUDGETS = [
  ["the style", /\.css$/, 7_000],
  ["everything", /^/, 60_000],
];

/** What of uPlot draws other kinds of lines than this page has: without these words the bundler leaves it out. */
const UNUSED = ["(paths.stepped = stepped);", "(paths.bars    = bars);", "(paths.spline  = monotoneCubic);"];

const leaner = {
  name: "leaner",
  setup({ onLoad }) {
    onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const line of UNUSED) {
        if (!contents.includes(line)) throw new Error(`uPlot has no line ${line}`);
        contents = contents.replace(line, "");
      }
      return { contents, loader: "js" };
    });
  },
};

/** Returns the file that esbuild makes of one entry, as name and contents. */
async function bundle(entry, more = {}) {
  const { outputFiles } = await build({
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["chrome123", "firefox128", "safari17.5"],
    absWorkingDir: here.pathname,
    outdir: dist.pathname,
    // The licences are in a file of their own.
    legalComments: "none",
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    entryNames: "[name]-[hash]",
    entryPoints: [entry],
    plugins: [leaner],
    ...more,
  });
  const [{ path, contents }] = outputFiles;
  return [path.slice(dist.pathname.length), Buffer.from(contents)];
}

async function licences() {
  const texts = PACKAGES.map(async (name) => {
    const { version } = JSON.parse(await readFile(new URL(`${name}/package.json`, packages), "utf8"));
    const licence = await readFile(new URL(`${name}/LICENSE`, packages), "utf8");
    return `${name} ${version}\n\n${licence.trim()}\n`;
  });
  return Buffer.from((await Promise.all(texts)).join(`\n${"-".repeat(72)}\n\n`));
}

async function make() {
  const entries = runbook(await readFile(new URL("../../docs/operations/alerts.md", here), "utf8"));
  const style = await bundle("css/admin.css");
  const script = await bundle("src/main.tsx", { define: { RUNBOOK: JSON.stringify(entries) } });
  const html = (await readFile(new URL("index.html", here), "utf8"))
    .replace("%CSS%", BASE + style[0])
    .replace("%JS%", BASE + script[0]);
  return new Map([
    style,
    script,
    ["index.html", Buffer.from(html)],
    ["icon.svg", await readFile(new URL("../app/icon.svg", here))],
    ["licences.txt", await licences()],
  ]);
}

const files = await make();
await deliver(files, dist, "npm run admin");
for (const [what, pattern, budget] of BUDGETS) {
  hold(what, files, [...files.keys()].filter((name) => pattern.test(name)), budget);
}
