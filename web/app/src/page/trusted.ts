/** The one policy for scripts that the program loads: its own, by name. Everything else the browser forbids. */

interface Policy {
  createScriptURL(url: string): string;
}

const ALLOWED = new Set([WORKER_URL, "/app/sw.js"]);

const { trustedTypes } = globalThis as {
  trustedTypes?: { createPolicy(name: string, rules: Policy): Policy };
};

const policy: Policy = {
  createScriptURL(url) {
    if (!ALLOWED.has(url)) throw new TypeError("not a script of this program");
    return url;
  },
};

/** Returns the address of a script, as the browser wants it. */
export const scriptUrl: (url: string) => string = (() => {
  const made = trustedTypes?.createPolicy("fluent", policy) ?? policy;
  return (url) => made.createScriptURL(url);
})();
