// The service worker of a client: it shows something for each push, as browsers demand, and tells the page.
self.addEventListener('install', event => event.waitUntil(self.skipWaiting()));
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('push', event => {
  const text = event.data ? event.data.text() : '';
  const tell = async () => {
    await self.registration.showNotification('New message', { tag: 'wake' });
    for (const client of await self.clients.matchAll({ includeUncontrolled: true })) client.postMessage(text);
  };
  event.waitUntil(tell());
});
