// Makes src/wire/openapi.ts and src/wire/frames.ts of the two documents of the server. `--check` compares instead.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const docs = new URL("../../docs/", import.meta.url);
const wire = new URL("src/wire/", import.meta.url);
const read = async (name) => JSON.parse(await readFile(new URL(name, docs), "utf8"));

/** The frames as an OpenAPI document without paths: its schemas are written the same way. */
function framesDocument(asyncapi) {
  const { schemas, messages } = asyncapi.components;
  // All frames of a side, as a union that `type` tells apart.
  const union = (side) => ({
    description: `Any frame that the ${side} sends.`,
    oneOf: Object.entries(messages)
      .filter(([key]) => key.startsWith(`${side}.`))
      .flatMap(([, message]) => message.payload.oneOf ?? [message.payload]),
  });
  return {
    openapi: "3.1.0",
    info: { title: asyncapi.info.title, version: asyncapi.info.version },
    paths: {},
    components: { schemas: { ...schemas, ClientFrame: union("client"), ServerFrame: union("server") } },
  };
}

/** The text of a generated file. */
async function generate(source, document) {
  const nodes = await openapiTS(document, { alphabetize: true, defaultNonNullable: false });
  return `// Made by gen.mjs of docs/${source}: do not edit.\n${astToString(nodes)}`;
}

const files = [
  ["openapi.ts", "openapi.json", await read("openapi.json")],
  ["frames.ts", "asyncapi.json", framesDocument(await read("asyncapi.json"))],
];
for (const [name, source, document] of files) {
  const path = new URL(name, wire);
  const text = await generate(source, document);
  if (!process.argv.includes("--check")) {
    await writeFile(path, text);
  } else if ((await readFile(path, "utf8").catch(() => "")) !== text) {
    console.error(`sdk/typescript/src/wire/${name} is out of date: run npm run gen in sdk/typescript`);
    process.exitCode = 1;
  }
}
