// A large account: many messages in one conversation, and 50 conversations. What is drawn is bounded, all of it can be
// reached, and nothing moves under the eyes of who reads. How fast that is, is printed and not judged.
import { storeScript } from "./store.mjs";

/** Messages of the largest conversation: WEB_MESSAGES=10000 for figures. */
const MESSAGES = Number(process.env.WEB_MESSAGES ?? 3_000);
const CHATS = 50;
/** Most messages that may be drawn at once. */
const MAX_DRAWN = 200;
/** Pixels of a frame while scrolling: more than a thumb does. */
const STEP = 700;
/** Most bytes that are held more after scrolling through all of it again: of what was drawn nothing stays. */
const MAX_GROWTH = 8_000_000;
/** Pixels by which somebody scrolls who reads. What is read moves by no more when a page comes at that moment. */
const BY = 60;

export async function large({ arrive, server, check, root }) {
  const wendy = await arrive("wendy");
  await wendy.register();
  await wendy.saveKey();
  await wendy.page.close();
  await fill(wendy, server, root);

  await wendy.context.addInitScript(noteFirstList, CHATS);
  wendy.page = await wendy.tab();
  const first = await drawnList(wendy.page);
  console.log(`${CHATS} conversations: ${first.join(", ")}`);
  check("all conversations are in the list", (await wendy.page.locator(".list li").count()) === CHATS);

  let began = performance.now();
  await wendy.page.getByRole("link", { name: /^O?other 0 / }).click();
  await wendy.sees(`number ${MESSAGES - 1},`);
  console.log(`the newest messages: ${Math.round(performance.now() - began)} ms after the click`);

  const moved = await wendy.page.evaluate(scrollSteadily, BY);
  check("what is read stays where it is when older messages come", moved.pages > 1 && moved.most <= BY, moved);
  console.log(`it moved by at most ${Math.round(moved.most)} px`);
  await wendy.page.getByRole("button", { name: "To the newest message" }).click();
  await wendy.sees(`number ${MESSAGES - 1},`);

  const held = [];
  for (const direction of [-1, 1, -1, 1]) {
    const { seen, most, ...figures } = await wendy.page.evaluate(scrollThrough, [direction, STEP]);
    const where = direction < 0 ? "back to the first message" : "to the newest message";
    check(`scrolling ${where}, all are seen`, seen === MESSAGES, { seen, figures });
    check(`at most ${MAX_DRAWN} messages are drawn`, most <= MAX_DRAWN, most);
    console.log(`scrolling ${where}: ${JSON.stringify(figures)}`);
    held.push(await heldBytes(wendy));
  }
  console.log(`held after each: ${held.map((bytes) => (bytes / 1e6).toFixed(1)).join(", ")} MB`);
  if (!wendy.isFirefox) check("what was drawn is let go", held.at(-1) - held[1] < MAX_GROWTH, held);
  began = performance.now();
  await wendy.page.reload();
  await wendy.sees(`number ${MESSAGES - 1},`);
  console.log(`the conversation after a reload: ${Math.round(performance.now() - began)} ms`);
  await wendy.page.close();
}

/** Returns how much of memory the scripts of a page hold. Firefox does not tell. */
async function heldBytes({ context, page, isFirefox }) {
  if (isFirefox) return 0;
  const session = await context.newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}

/** Puts conversations into the store by the client's own code, while the program does not run. */
async function fill(person, server, root) {
  const page = await person.context.newPage();
  await page.goto(`${server.origin}/healthz`);
  await page.evaluate(await storeScript(root));
  await page.evaluate(
    async ([name, count, chats]) => {
      const store = await globalThis.fluentStore(name);
      const me = (await store.get("user")).id;
      const program = await store.get("program");
      const began = Date.now() - count * 90_000;
      let id = 0;
      const message = (partner, number, time) => ({
        message: {
          id: ++id,
          seq: id,
          conversation_id: partner,
          partner_id: partner,
          sender_id: number % 3 === 0 ? me : partner,
          receiver_id: number % 3 === 0 ? partner : me,
          timestamp: new Date(time).toISOString(),
          message_type: "text",
          content: "",
          // Of all lengths.
          text: `number ${number}, ${"and a few words more ".repeat(number % 7)}`,
        },
      });
      const changes = [];
      for (let index = chats - 1; index >= 0; index -= 1) {
        const partner = 1_000_000 + index;
        program.people[partner] = { name: `other ${index}`, keyId: "", changes: [] };
        const many = index === 0 ? count : 1;
        for (let number = 0; number < many; number += 1) {
          changes.push(message(partner, number, index === 0 ? began + number * 90_000 : began - index * 3_600_000));
        }
      }
      for (let at = 0; at < changes.length; at += 1_000) await store.write(changes.slice(at, at + 1_000));
      await store.write([{ meta: "program", value: program }]);
      store.close();
    },
    [person.name, MESSAGES, CHATS],
  );
  await page.close();
}

/** In the page: notes when the list of so many conversations is known, and when it is drawn. */
function noteFirstList(count) {
  const channel = new BroadcastChannel(`fluent ${location.origin}`);
  channel.onmessage = ({ data }) => {
    const known = data.snapshot?.chats.length ?? data.news?.chats?.length ?? 0;
    if (known >= count) globalThis.told ??= performance.now();
  };
  new MutationObserver(() => {
    if (document.querySelectorAll(".list li").length >= count) globalThis.drawn ??= performance.now();
  }).observe(document, { childList: true, subtree: true });
}

/** Returns when the list was drawn, over some reloads. */
async function drawnList(page) {
  const figures = [];
  for (let round = 0; round < 3; round += 1) {
    if (round > 0) await page.reload();
    await page.waitForFunction(() => globalThis.drawn && globalThis.told);
    const [told, drawn] = await page.evaluate(() => [globalThis.told, globalThis.drawn]);
    figures.push(`drawn ${Math.round(drawn - told)} ms after they are known, ${Math.round(drawn)} ms after the start`);
  }
  return figures;
}

/** In the page: scrolls back a little at a time, and measures by how much what is on the screen moves otherwise. */
async function scrollSteadily(pixels) {
  const scroller = document.querySelector(".log");
  const frame = () => new Promise(requestAnimationFrame);
  let [most, pages] = [0, 0];
  for (let step = 0; step < 120; step += 1) {
    const middle = scroller.getBoundingClientRect().top + scroller.clientHeight / 2;
    const one = [...scroller.querySelectorAll("[data-id]")].find(
      (each) => each.getBoundingClientRect().bottom > middle,
    );
    const before = one.getBoundingClientRect().top;
    const height = scroller.scrollHeight;
    const by = Math.min(pixels, scroller.scrollTop);
    scroller.scrollTop -= by;
    await frame();
    await frame();
    if (scroller.scrollHeight !== height) pages += 1;
    if (one.isConnected) most = Math.max(most, Math.abs(one.getBoundingClientRect().top - before - by));
  }
  return { most, pages };
}

/** In the page: scrolls to an end. Returns how many messages were drawn on the way, and how long that took. */
async function scrollThrough([direction, step]) {
  const scroller = document.querySelector(".log");
  const long = [];
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration)));
  // Not in Firefox.
  if (PerformanceObserver.supportedEntryTypes.includes("longtask")) observer.observe({ type: "longtask" });
  const frames = [];
  const seen = new Set();
  let most = 0;
  let last = performance.now();
  const began = last;
  // Those before the first are loaded, and drawn: give up when nothing has moved for two seconds.
  for (let still = 0; still < 120;) {
    const top = scroller.scrollTop;
    scroller.scrollTop += direction * step;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
    const drawn = scroller.querySelectorAll("[data-id]");
    most = Math.max(most, drawn.length);
    const before = seen.size;
    for (const { dataset } of drawn) seen.add(dataset.id);
    still = seen.size === before && scroller.scrollTop === top ? still + 1 : 0;
    if (direction < 0 && scroller.querySelector(".beginning")) break;
    if (direction > 0 && still > 10 && !document.querySelector(".to-end")) break;
  }
  observer.disconnect();
  frames.sort((one, other) => one - other);
  const at = (part) => Math.round(frames[Math.floor((frames.length - 1) * part)]);
  return {
    seen: seen.size,
    most,
    seconds: Math.round((last - began) / 100) / 10,
    frames: { count: frames.length, median: at(0.5), p99: at(0.99), longest: at(1) },
    longTasks: long.map(Math.round),
  };
}
