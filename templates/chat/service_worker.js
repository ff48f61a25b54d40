/** Shows a page of its own where the network is missing. It keeps that page, and nothing else. */

{% if wanted %}
const KEPT = "expertline-{{ version }}";
const OFFLINE = "{{ offline|escapejs }}";
const PARTS = [{% for part in parts %}"{{ part|escapejs }}"{% if not forloop.last %}, {% endif %}{% endfor %}];

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { mode, url } = event.request;
  const { origin, pathname, search } = new URL(url);
  if (origin !== location.origin) return;
  const page = mode === "navigate" && (pathname === "/" || pathname.startsWith("/c/"));
  if (page) event.respondWith(fetch(event.request).catch(() => kept(OFFLINE)));
  else if (PARTS.includes(pathname + search)) event.respondWith(fetch(event.request).catch(() => kept(url)));
});

async function keep() {
  const cache = await caches.open(KEPT);
  await cache.addAll(PARTS.map((part) => new Request(part, { cache: "reload", credentials: "omit" })));
  await self.skipWaiting();
}

async function takeOver() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("expertline-") && name !== KEPT);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** Whatever the page that was loaded last has asked for. */
async function kept(address) {
  return (await caches.match(address, { ignoreVary: true })) || Response.error();
}
{% else %}
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(leave()));

/** The operator wants none: take everything away, and go. */
async function leave() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("expertline-")).map((name) => caches.delete(name)));
  await self.registration.unregister();
}
{% endif %}
