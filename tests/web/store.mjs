// What a browser keeps, by the client's own code.
import { build } from "../../web/node_modules/esbuild/lib/main.js";

/** Returns a script that makes `fluentStore(name)` in a page: opens the store of a user. */
export async function storeScript(root) {
  const sdk = `${root}sdk/typescript/src`;
  const contents = `
    import { indexedDb, openDatabase } from "${sdk}/store/indexeddb.ts";
    import { aesGcm, sealed } from "${sdk}/store/sealed.ts";
    globalThis.fluentStore = async (name) => {
      const database = await openDatabase(\`fluent \${location.origin} \${name}\`);
      const { key } = await database.get("meta", "vault");
      return sealed(indexedDb(Promise.resolve(database)), aesGcm(key));
    };`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    alias: { idb: `${root}web/node_modules/idb` },
    bundle: true,
    format: "iife",
    target: "es2022",
    write: false,
  });
  return outputFiles[0].text;
}
