// Two people talk.
import { eventually } from "./server.mjs";

const INERT = "<img src=x onerror=\"document.title='broken into'\"> markertext";

export async function talk({ arrive, check, picture }) {
  const [mira, jonas] = [await arrive("mira"), await arrive("jonas")];
  await picture(mira.page, "register");
  await mira.register();
  check("nothing can be written before the key is kept", (await mira.page.getByRole("searchbox").count()) === 0);
  const file = await mira.saveKey();
  check("the key is a file", Boolean(file));
  await jonas.register();
  await jonas.saveKey();

  await mira.open("jonas");
  await mira.say("Good morning! Did you get the tickets?");
  await jonas.page.getByRole("img", { name: "1 unread message" }).waitFor();
  check("what is new is told, and not read before it is seen", (await mira.page.locator(".ticks.read").count()) === 0);
  await jonas.page.getByRole("link", { name: /mira/ }).click();
  await jonas.sees("Did you get the tickets?");
  await jonas.say("Yes 🎉 two seats, row seven");
  await mira.sees("Yes 🎉 two seats, row seven");
  await mira.say("You are the best 😇");
  await mira.ticks("read");
  check("texts with emoji go both ways, and are read", true);

  // The answer to a message, by its menu.
  await mira.page.locator(".message.theirs").last().hover();
  await mira.page.locator(".message.theirs .menu > button").last().click();
  await mira.page.getByRole("menuitem", { name: "Reply" }).click();
  await mira.say("Row seven is perfect: one sees the pianist’s hands");
  await jonas.page.locator(".message .quote", { hasText: "row seven" }).waitFor();
  check("a reply shows what it answers", true);

  await jonas.input().pressSequentially("And afterwards");
  await mira.page.locator(".bar .title", { hasText: "is writing" }).waitFor();
  check("one sees the other write", true);
  await picture(mira.page, "typing");
  await jonas.say("And afterwards? There is a new place around the corner: https://example.org/menu");
  await mira.sees("around the corner");
  await mira.page.locator(".bar .title", { hasText: "online" }).waitFor();
  check("one sees the other online", true);
  if (picture.isWanted) await othersWrite(arrive, mira);
  await mira.say("Let us meet at six, then there is time for both. I bring the umbrella.");
  await mira.page.locator(".message.mine").last().locator(".ticks.read").waitFor();
  await mira.page.mouse.move(0, 0);
  await picture(mira.page, "chat");

  await jonas.say(INERT);
  await mira.sees(INERT);
  check("markup is shown as what it is", (await mira.page.locator(".message img").count()) === 0);
  // Each browser complains in its own words, and Firefox a moment later.
  mira.expected = /TrustedHTML|require-trusted-types-for/;
  const thrown = await mira.page.evaluate(() => {
    try {
      document.querySelector("#app").innerHTML = "<img src=x onerror=alert(1)>";
      return "nothing";
    } catch (error) {
      return error.name;
    }
  });
  check("the browser itself forbids markup from texts", thrown === "TypeError", thrown);

  const long = "A long text of many words that goes on and on. ".repeat(12).trim();
  await mira.input().fill(long);
  const parts = mira.page.getByText(/Will be sent as \d messages/);
  await parts.waitFor();
  const count = Number(/\d+/.exec(await parts.textContent())[0]);
  const before = (await jonas.texts()).length;
  await mira.input().press("Enter");
  await eventually("all parts", async () => (await jonas.texts()).length === before + count);
  check("a long text is split between characters", (await jonas.texts()).slice(before).join("") === long);

  await mira.say("this was a mistake");
  await jonas.sees("this was a mistake");
  await mira.page.locator(".message.mine").last().hover();
  await mira.page.locator(".message.mine .menu > button").last().click();
  await mira.page.getByRole("menuitem", { name: "Delete for everyone" }).click();
  await mira.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await jonas.page.getByText("this was a mistake").first().waitFor({ state: "detached" });
  check("a message is deleted for both", !(await mira.texts()).includes("this was a mistake"));

  await mira.page.getByRole("button", { name: "Disappearing messages" }).click();
  await mira.page.getByRole("menuitemradio", { name: "5 minutes" }).click();
  await mira.say("gone in five minutes");
  await jonas.page.getByRole("img", { name: /^Disappears/ }).waitFor();
  check("a message that disappears says when", true);
  await mira.page.getByRole("button", { name: "Disappearing messages" }).click();
  await mira.page.getByRole("menuitemradio", { name: "Off" }).click();

  await mira.page.getByRole("searchbox").fill("pianist");
  await mira.page.getByRole("region", { name: "Messages", exact: true }).getByRole("link").first().click();
  await mira.page.locator(".message.target", { hasText: "pianist" }).waitFor();
  check("a message is found by a word and jumped to", true);
  await mira.page.getByRole("searchbox").fill("");
  await keptIsSealed(mira, check);
}

/** Others write too, for the picture. */
async function othersWrite(arrive, mira) {
  for (const [name, text] of Object.entries({ ada: "The slides are ready 🎈", theo: "See you on Sunday then!" })) {
    const person = await arrive(name);
    await person.register();
    await person.saveKey();
    await person.open("mira");
    await person.say(text);
    await mira.page.getByRole("link", { name: new RegExp(name) }).waitFor();
  }
}

/** What is kept in the browser is sealed. */
async function keptIsSealed(mira, check) {
  const kept = await mira.page.evaluate(async () => {
    const databases = await indexedDB.databases();
    const texts = [];
    for (const { name } of databases) {
      const database = await new Promise((done) => (indexedDB.open(name).onsuccess = ({ target }) => done(target.result)));
      for (const store of database.objectStoreNames) {
        const all = database.transaction(store).objectStore(store).getAll();
        await new Promise((done) => (all.onsuccess = done));
        texts.push(JSON.stringify(all.result));
      }
      database.close();
    }
    const names = await caches.keys();
    for (const name of names) {
      for (const { url } of await (await caches.open(name)).keys()) texts.push(url);
    }
    return { text: texts.join("\n"), cached: texts.filter((text) => text.startsWith("http")) };
  });
  check("no word, no token and no key is kept in the clear", !/markertext|pianist|eyJ|PRIVATE KEY|MIIE/.test(kept.text));
  check(
    "the service worker keeps the program and nothing of the server's API",
    kept.cached.length > 8 && kept.cached.every((url) => new URL(url).pathname.startsWith("/app/")),
    kept.cached,
  );
}
