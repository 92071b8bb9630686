// A server that is away, killed, and comes back.
import { eventually } from "./server.mjs";

/** Messages that are written while the server is killed again and again. */
const MESSAGES = 12;

export async function outages({ arrive, server, check, picture }) {
  const [lena, otto] = [await arrive("lena"), await arrive("otto")];
  for (const person of [lena, otto]) {
    await person.register();
    await person.saveKey();
  }
  await lena.open("otto");
  await lena.say("before the outage");
  await otto.page.getByRole("link", { name: /lena/ }).click();
  await otto.sees("before the outage");
  await otto.say("seen");
  await lena.sees("seen");
  // The program keeps itself for later.
  await lena.page.evaluate(() => navigator.serviceWorker.ready);

  await server.kill();
  await lena.page.locator(".banner", { hasText: /No connection. Next attempt in \d+ s/ }).waitFor();
  check("an outage is told, with the time of the next attempt", true);
  await lena.page.reload();
  await lena.sees("before the outage");
  check("without a server the program opens, and shows what is here", true);
  await lena.say("written without a network");
  await lena.page.locator(".message .ticks.waiting").waitFor();
  await picture(lena.page, "offline");
  await lena.page.reload();
  await lena.sees("written without a network");
  check("what is written waits, also over a reload", (await lena.page.locator(".message .ticks.waiting").count()) === 1);
  await server.run();
  await lena.page.getByRole("button", { name: "Try now" }).click({ timeout: 5_000 }).catch(() => {});
  await otto.sees("written without a network");
  check("it is sent when the server is back", (await lena.page.locator(".message .ticks.waiting").count()) === 0);

  const texts = Array.from({ length: MESSAGES }, (_, index) => `number ${index + 1} of many`);
  for (const [index, text] of texts.entries()) {
    await lena.say(text);
    if (index % 4 !== 1) continue;
    await server.kill();
    await server.run();
  }
  const arrived = async (person) => (await person.texts()).filter((text) => / of many$/.test(text));
  await eventually("all messages", async () => {
    // As a person does who looks.
    for (const { page } of [lena, otto]) await page.evaluate(() => dispatchEvent(new Event("online")));
    return (await arrived(otto)).length >= MESSAGES && (await lena.page.locator(".message .ticks.waiting").count()) === 0;
  });
  for (const person of [lena, otto]) {
    const found = await arrived(person);
    check(`${person.name} has everything once and in order over kill -9`, found.join() === texts.join(), found);
  }
  await otto.page.reload();
  await otto.sees(texts.at(-1));
  check("after a reload too", (await arrived(otto)).join() === texts.join(), await arrived(otto));
}
