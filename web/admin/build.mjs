// Makes web/dist/admin/ of the sources. The files are committed, so that the server builds without Node, and the same
// whoever makes them: `--check` makes them again and compares.
import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { deliver, gzip, hold } from "../deliver.mjs";
import { runbook } from "./runbook.mjs";

const here = new URL("./", import.meta.url);
const dist = new URL("../dist/admin/", import.meta.url);
const packages = new URL("../node_modules/", import.meta.url);
const BASE = "/admin/";

/** What the page is made of beside its own sources. */
const PACKAGES = ["preact", "@preact/signals", "@preact/signals-core", "uplot"];

/** Most bytes. What the first view loads is compressed by gzip, all else by brotli. */
const STYLE_BUDGET = 7_000;
const FIRST_BUDGET = 55_000;
const ALL_BUDGET = 62_000;

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

/** Returns what esbuild makes of one entry: each file by its name, that of the entry first, and those it begins with. */
async function bundle(entry, more = {}) {
  const { outputFiles, metafile } = await build({
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
    metafile: true,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    entryPoints: [entry],
    plugins: [leaner],
    ...more,
  });
  const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => [nameOf(path), output]);
  const [first] = outputs.find(([, { entryPoint }]) => entryPoint === entry);
  const begins = new Set([first]);
  // What is imported at once is loaded with the first file; what it imports later is not.
  for (const name of begins) {
    const { imports } = new Map(outputs).get(name);
    for (const { path, kind } of imports) if (kind === "import-statement") begins.add(nameOf(path));
  }
  const files = outputFiles.map(({ path, contents }) => [nameOf(path), Buffer.from(contents)]);
  return { first, begins, files };
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
  const script = await bundle("src/main.tsx", { splitting: true, define: { RUNBOOK: JSON.stringify(JSON.stringify(entries)) } });
  // All that the first script needs is asked for at once.
  const preloads = [...script.begins].slice(1).map((name) => `<link rel="modulepreload" href="${BASE}${name}" />\n    `);
  const html = (await readFile(new URL("index.html", here), "utf8"))
    .replace("%CSS%", BASE + style.first)
    .replace("%JS%", BASE + script.first)
    .replace("%MORE%", preloads.join(""));
  const files = new Map([
    ...style.files,
    ...script.files,
    ["index.html", Buffer.from(html)],
    ["icon.svg", await readFile(new URL("../app/icon.svg", here))],
    ["licences.txt", await licences()],
  ]);
  return { files, first: ["index.html", "icon.svg", style.first, ...script.begins], style: style.first };
}

const { files, first, style } = await make();
await deliver(files, dist, "npm run admin");
hold("the style", files, [style], STYLE_BUDGET);
hold("what the first view loads", files, first, FIRST_BUDGET, gzip);
hold("everything", files, [...files.keys()], ALL_BUDGET);
