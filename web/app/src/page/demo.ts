/** The link of a demonstration, which signs the browser in. */
import { signal } from "@preact/signals";
import { calls } from "./calls.js";
import { go } from "./route.js";

export const demo = signal<"none" | "waiting" | "used">("none");

/** Takes the code out of the address, where others could see it. */
export function takeDemoCode(): string | null {
  const code = /^#demo=([\w-]{43})$/.exec(location.hash)?.[1] ?? null;
  if (code !== null) history.replaceState(null, "", location.pathname);
  return code;
}

/** Signs in, and opens the conversation with the partner of the demonstration. */
export async function enterDemo(code: string): Promise<void> {
  demo.value = "waiting";
  try {
    const partner = await calls().demo(code);
    demo.value = "none";
    go({ at: "chat", name: partner.name });
  } catch {
    demo.value = "used";
  }
}
