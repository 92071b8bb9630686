// Two tabs of a browser are one connection; a spoilt token is renewed once.
export async function tabs({ arrive, server, check }) {
  const [tina, paul] = [await arrive("tina"), await arrive("paul")];
  for (const person of [tina, paul]) {
    await person.register();
    await person.saveKey();
  }
  await paul.open("tina");
  await paul.say("hello");
  const first = tina.page;
  const second = await tina.tab();
  for (const page of [first, second]) {
    await page.getByRole("link", { name: /paul/ }).click();
    await tina.sees("hello", page);
  }
  const sockets = await server.metric("fluent_sockets");
  const another = await tina.tab();
  await another.getByRole("link", { name: /paul/ }).click();
  await tina.sees("hello", another);
  check("three tabs are one connection", (await server.metric("fluent_sockets")) === sockets, sockets);
  await another.close();
  await tina.say("from the first tab", first);
  await tina.sees("from the first tab", second);
  await tina.say("from the second tab", second);
  await tina.sees("from the second tab", first);
  await paul.sees("from the second tab");
  check("each tab shows what the other does", true);

  await first.close();
  tina.page = second;
  await paul.say("after the first tab was closed");
  await tina.sees("after the first tab was closed", second);
  await tina.say("still here", second);
  await paul.sees("still here");
  check("the other tab goes on when the first is closed", true);

  await spoil(second, "tina");
  const refreshes = () => server.metric("fluent_http_requests_total", 'route="/auth/refresh"');
  const before = await refreshes();
  await second.reload();
  await tina.say("with a spoilt token", second);
  await paul.sees("with a spoilt token");
  await tina.go("#/devices");
  await second.getByText("This browser").waitFor();
  const refreshed = (await refreshes()) - before;
  check("a spoilt token is renewed once, and nobody notices", refreshed === 1, refreshed);
}

/** Spoils the token that is kept, as one that has expired. */
async function spoil(page, name) {
  await page.evaluate(async (name) => {
    const open = (database) =>
      new Promise((done) => (indexedDB.open(database).onsuccess = ({ target }) => done(target.result)));
    const database = await open(`fluent ${location.origin} ${name}`);
    const get = (key) =>
      new Promise((done) => {
        database.transaction("meta").objectStore("meta").get(key).onsuccess = ({ target }) => done(target.result);
      });
    const { key } = await get("vault");
    const bytes = Uint8Array.from(atob((await get("tokens")).sealed), (one) => one.charCodeAt(0));
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes.slice(0, 12) }, key, bytes.slice(12));
    const tokens = JSON.parse(new TextDecoder().decode(plain));
    tokens.access_token = `${tokens.access_token.slice(0, -6)}spoilt`;
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const text = new TextEncoder().encode(JSON.stringify(tokens));
    const sealed = new Uint8Array([...iv, ...new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, text))]);
    const put = database.transaction("meta", "readwrite");
    put.objectStore("meta").put({ sealed: btoa(String.fromCharCode(...sealed)) }, "tokens");
    await new Promise((done) => (put.oncomplete = done));
    database.close();
  }, name);
}
