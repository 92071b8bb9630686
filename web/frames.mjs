// The page of the AsyncAPI document: a table for each frame.
import { Marked } from "marked";
import { escape, layout } from "./layout.mjs";

const markdown = new Marked();
const inline = (text) => markdown.parseInline(text ?? "");

/** Returns the page. */
export function framesPage({ channels, components }) {
  const { messages, schemas } = components;
  const headings = [];
  const heading = (depth, id, html) => {
    headings.push({ depth, html, id });
    return `<h${depth} id="${id}"><a href="#${id}">${html}</a></h${depth}>\n`;
  };
  const side = (name, title) =>
    heading(2, name, title) +
    Object.entries(messages)
      .filter(([key]) => key.startsWith(`${name}.`))
      .map(
        ([key, message]) =>
          heading(3, key, `<code>${message.name}</code>`) +
          frame(message, schemas),
      )
      .join("");
  const intro = markdown.parse(channels.chat.description);
  const body =
    "<h1>The frames of fluent.v1</h1>\n" +
    '<p>Made of <a href="/asyncapi.json">/asyncapi.json</a>; <a href="/docs/protocol">the protocol</a> explains them.</p>\n' +
    intro
      .replace(/<table>/g, '<div class="wide"><table>')
      .replace(/<\/table>/g, "</table></div>") +
    side("client", "Client to server") +
    side("server", "Server to client") +
    heading(2, "types", "Types") +
    types(schemas);
  return layout({
    title: "The frames of fluent.v1",
    path: "/docs/frames",
    body,
    headings,
  });
}

function frame({ summary, description, payload, examples }, schemas) {
  const shapes = (payload.oneOf ?? [payload]).map(
    ({ $ref }) => schemas[nameOf($ref)],
  );
  const tables = shapes.map(
    (shape) =>
      (shapes.length > 1 ? `<p>${inline(shape.description)}</p>` : "") +
      table(shape),
  );
  const shown = examples.map(({ summary, payload }) => {
    return `<figure><figcaption>${inline(summary)}</figcaption><pre><code>${escape(JSON.stringify(payload))}</code></pre></figure>\n`;
  });
  return `<p>${inline(summary)} ${inline(description)}</p>\n${tables.join("\n")}${shown.join("")}`;
}

function table({ properties, required }) {
  const rows = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? "" : " <small>optional</small>";
    return `<tr><td><code>${name}</code>${optional}</td><td>${typeOf(schema)}</td><td>${inline(schema.description)}</td></tr>`;
  });
  const head = "<thead><tr><th>field</th><th>type</th><th></th></tr></thead>";
  return `<div class="wide"><table>${head}<tbody>\n${rows.join("\n")}\n</tbody></table></div>\n`;
}

/** Types that have no fields. */
function types(schemas) {
  const plain = Object.entries(schemas).filter(
    ([, { properties }]) => !properties,
  );
  const rows = plain.map(([name, schema]) => {
    return `<tr id="${name}"><td>${name}</td><td>${typeOf(schema)}</td><td>${inline(schema.description)}</td></tr>`;
  });
  const objects = Object.entries(schemas).filter(
    ([name, { properties }]) => properties && !name.endsWith("Frame"),
  );
  const tables = objects.map(
    ([name, schema]) =>
      `<h3 id="${name}">${name}</h3><p>${inline(schema.description)}</p>${table(schema)}`,
  );
  return `<div class="wide"><table><tbody>\n${rows.join("\n")}\n</tbody></table></div>\n${tables.join("")}`;
}

function typeOf(schema) {
  if (schema.$ref)
    return `<a href="#${nameOf(schema.$ref)}">${nameOf(schema.$ref)}</a>`;
  if (schema.oneOf) return schema.oneOf.map(typeOf).join(" or ");
  if ("const" in schema)
    return `<code>${escape(JSON.stringify(schema.const))}</code>`;
  if (schema.enum)
    return schema.enum.map((word) => `<code>${escape(word)}</code>`).join(" ");
  const type =
    [schema.type].flat().join(" or ") +
    (schema.items?.$ref ? ` of ${typeOf(schema.items)}` : "");
  const { minimum, maximum, minLength, maxLength, maxItems, pattern } = schema;
  const limits = [
    minimum === undefined ? [] : `from ${minimum}`,
    maximum === undefined || maximum === Number.MAX_SAFE_INTEGER
      ? []
      : `to ${maximum}`,
    minLength === undefined ? [] : `from ${minLength} character`,
    maxLength === undefined ? [] : `to ${maxLength} characters`,
    schema["x-max-bytes"] === undefined
      ? []
      : `to ${schema["x-max-bytes"]} bytes of UTF-8`,
    maxItems === undefined ? [] : `to ${maxItems} items`,
    pattern === undefined ? [] : `<code>${escape(pattern)}</code>`,
  ].flat();
  return [type, ...limits].join(", ");
}

function nameOf(reference) {
  return reference.slice(reference.lastIndexOf("/") + 1);
}
