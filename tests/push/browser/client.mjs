// The web client itself: its setting subscribes, its service worker shows that there is something, and no more.
const PASSWORD = 'correct horse battery staple';
const NAME = 'markercarol';

export const webClient = async ({ browser, url, service, ask, signUp, eventually, check }) => {
  const app = await browser.newPage();
  const complaints = [];
  app.on('console', message => message.type() === 'error' && complaints.push(message.text()));
  const click = (selector, text) =>
    app.evaluate(
      (selector, text) => {
        const found = [...document.querySelectorAll(selector)].find(
          one => one.textContent.includes(text) && !one.disabled,
        );
        found?.click();
        return Boolean(found);
      },
      selector,
      text,
    );
  const clickSoon = (selector, text) => eventually(`${text} can be clicked`, () => click(selector, text));

  await app.goto(`${url}/app/`);
  await clickSoon('button', 'Create account');
  await app.locator('input[name=username]').fill(NAME);
  await app.locator('input[name=email]').fill(`${NAME}@example.org`);
  await app.locator('input[name=password]').fill(PASSWORD);
  await clickSoon('form button.primary', 'Create account');
  await clickSoon('button', 'Save key file');
  await clickSoon('button', 'safe place');
  await app.locator('input[type=search]').wait();

  const {
    json: { access_token: token },
  } = await ask(url, 'POST', '/auth/login', { body: { username: NAME, password: PASSWORD } });
  const targets = async () => (await ask(url, 'GET', '/push/targets', { token })).json;
  const flip = () =>
    app.evaluate(() => {
      const group = [...document.querySelectorAll('section.group')].find(one =>
        one.textContent.includes('Notifications'),
      );
      const found = group?.querySelector('input.switch:not(:disabled)');
      found?.click();
      return Boolean(found);
    });
  await app.evaluate(() => {
    location.hash = '#/settings';
  });
  await eventually('the setting is there', flip);
  const [target] = await eventually('the browser is registered', async () => (await targets()).length && targets());
  check(
    'the setting of the web client registers the browser',
    target.provider === 'webpush' && target.state === 'active',
    target,
  );
  await app.close();

  const dora = await signUp(url, 'markerdora');
  const found = await ask(url, 'GET', `/users/search?query=${NAME}`, { token: dora.token });
  const before = service.posted.length;
  const send = async name =>
    ask(url, 'POST', '/chat/messages', {
      token: dora.token,
      headers: { 'Idempotency-Key': name },
      body: {
        to: found.json[0].id,
        receiver_encrypted: 'markertext',
        sender_encrypted: 'markertext',
        message_type: 'text',
      },
    });
  check('a message for somebody whose page is closed', (await send('c1')).status < 300);
  // Another page of the server: none of the program, which would show what is new itself.
  const watch = await browser.newPage();
  await watch.goto(`${url}/`);
  const shown = () =>
    watch.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration('/app/');
      return (await registration.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag }));
    });
  const notes = await eventually('a notification is shown', async () => (await shown()).length > 0 && shown());
  check(
    'it says that there is something, and no more',
    JSON.stringify(notes) === JSON.stringify([{ title: 'Fluent', body: 'New message', tag: 'wake' }]),
    notes,
  );
  const posted = service.posted.slice(before);
  check(
    'the push names nobody',
    posted.length > 0 && !posted.some(({ headers, path }) => /marker/.test(JSON.stringify(headers) + path)),
  );

  const again = await browser.newPage();
  again.on('console', message => message.type() === 'error' && complaints.push(message.text()));
  await again.goto(`${url}/app/`);
  await again.bringToFront();
  await eventually('what was shown is taken away', async () => (await shown()).length === 0);
  check('opening the program takes the notification away', true);
  await again.evaluate(() => {
    location.hash = '#/settings';
  });
  await eventually('the setting is on, and is switched off', () =>
    again.evaluate(() => {
      const group = [...document.querySelectorAll('section.group')].find(one =>
        one.textContent.includes('Notifications'),
      );
      const box = group?.querySelector('input.switch:not(:disabled)');
      if (!box?.checked) return false;
      box.click();
      return true;
    }),
  );
  await eventually('the browser is not registered any more', async () => (await targets()).length === 0);
  check('switched off, it is not woken any more', true);
  const kept = await again.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return registration.pushManager.getSubscription();
  });
  check('and the subscription is gone', kept === null, kept);
  const ofPolicy = complaints.filter(text => /Content-Security|TrustedScript|TrustedHTML/i.test(text));
  check('the policy of the page was kept', ofPolicy.length === 0, ofPolicy);
};
