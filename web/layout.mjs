// What all pages of documents have in common.

/** Pages and their names, as they are linked on each. */
const LINKS = [
  ["/", "Fluent"],
  ["/docs/protocol", "Protocol"],
  ["/docs/frames", "Frames"],
  ["/docs/", "REST"],
  ["/docs/security", "Security"],
];

/** Returns a text for use in HTML. */
export function escape(text) {
  return String(text).replace(
    /[&<>"]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  );
}

/** Returns the anchor of a heading, as GitHub makes it. */
export function slug(text) {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

/** Returns a whole page. `headings`: what its list of contents names, of depth 2 and 3. */
export function layout({ title, path, body, headings }) {
  const links = LINKS.map(([href, name]) => {
    return `<a href="${href}"${href === path ? ' aria-current="page"' : ""}>${name}</a>`;
  });
  const contents = headings.map(
    ({ depth, html, id }) =>
      `<li class="h${depth}"><a href="#${id}">${html}</a></li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<header><nav aria-label="Pages">${links.join("")}</nav></header>
<div class="columns">
<nav class="contents" aria-label="Contents"><ul>
${contents.join("\n")}
</ul></nav>
<main>
${body}</main>
</div>
</body>
</html>
`;
}
