// Makes the pages under src/http/pages/ of the documents under docs/, and puts Swagger UI there, compressed. They are
// committed, so that the server builds without Node. `--check` compares instead.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { gunzipSync, gzipSync } from "node:zlib";
import { Marked } from "marked";
import { framesPage } from "./frames.mjs";
import { escape, layout, slug } from "./layout.mjs";

const root = new URL("../", import.meta.url);
const read = (path) => readFile(new URL(path, root), "utf8");

/** Documents that are pages too, by their path from docs/. Links to other documents lose their address. */
const PAGES = {
  "protocol.md": "/docs/protocol",
  "security.md": "/docs/security",
  "asyncapi.json": "/docs/frames",
};

/** Renders a Markdown document as a page. */
function markdownPage(text, path) {
  const headings = [];
  const renderer = {
    heading({ tokens, depth }) {
      const html = this.parser.parseInline(tokens);
      const id = slug(tokens.map(({ text, raw }) => text ?? raw).join(""));
      if (depth === 2 || depth === 3) headings.push({ depth, html, id });
      return `<h${depth} id="${id}"><a href="#${id}">${html}</a></h${depth}>\n`;
    },
    link({ href, tokens }) {
      const html = this.parser.parseInline(tokens);
      if (/^(https?:|#)/.test(href))
        return `<a href="${escape(href)}">${html}</a>`;
      const [file, part] = href.split("#");
      const page = PAGES[file];
      return page
        ? `<a href="${page}${part ? `#${part}` : ""}">${html}</a>`
        : `<span>${html}</span>`;
    },
    code({ text, lang }) {
      return lang === "mermaid"
        ? stateTable(text)
        : `<pre><code>${escape(text)}</code></pre>\n`;
    },
    table(token) {
      const cells = (row, tag) =>
        row
          .map(
            ({ tokens }) =>
              `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`,
          )
          .join("");
      const body = token.rows
        .map((row) => `<tr>${cells(row, "td")}</tr>`)
        .join("\n");
      // A column of headings without words has no heading.
      const head = token.header.some(({ text }) => text)
        ? `<thead><tr>${cells(token.header, "th")}</tr></thead>`
        : "";
      return `<div class="wide"><table>${head}\n<tbody>${body}</tbody></table></div>\n`;
    },
  };
  const body = new Marked({ renderer }).parse(text);
  const title = /^# (.*)$/m.exec(text)[1];
  return layout({ title, path, body, headings });
}

/** A state diagram as a table of its arrows. */
function stateTable(text) {
  const name = (state) => (state === "[*]" ? "(start)" : state);
  const rows = [...text.matchAll(/^\s*(\S+) --> (\S+?)(?:: (.*))?$/gm)].map(
    ([, from, to, event]) =>
      `<tr><td>${name(from)}</td><td>${escape(event ?? "")}</td><td>${name(to)}</td></tr>`,
  );
  const head = "<thead><tr><th>from</th><th>when</th><th>to</th></tr></thead>";
  return `<div class="wide"><table>${head}<tbody>${rows.join("\n")}</tbody></table></div>\n`;
}

const pages = {
  "protocol.html": markdownPage(
    await read("docs/protocol.md"),
    "/docs/protocol",
  ),
  "security.html": markdownPage(
    await read("docs/security.md"),
    "/docs/security",
  ),
  "frames.html": framesPage(JSON.parse(await read("docs/asyncapi.json"))),
};
for (const [name, html] of Object.entries(pages)) {
  const path = `src/http/pages/${name}`;
  if (!process.argv.includes("--check"))
    await writeFile(new URL(path, root), html);
  else if ((await read(path).catch(() => "")) !== html) {
    console.error(`${path} is out of date: run npm run pages in web`);
    process.exitCode = 1;
  }
}

/** The parts of Swagger UI that its page needs. */
const SWAGGER = ["swagger-ui-bundle.js", "swagger-ui.css"];
const resolve = createRequire(import.meta.url).resolve;
for (const name of SWAGGER) {
  const plain = await readFile(resolve(`swagger-ui-dist/${name}`));
  const path = `src/http/pages/swagger/${name}.gz`;
  if (!process.argv.includes("--check")) {
    await writeFile(new URL(path, root), gzipSync(plain, { level: 9 }));
    continue;
  }
  // Another build of zlib may compress otherwise.
  const kept = await readFile(new URL(path, root)).catch(() => gzipSync(""));
  if (!gunzipSync(kept).equals(plain)) {
    console.error(`${path} is out of date: run npm run pages in web`);
    process.exitCode = 1;
  }
}
