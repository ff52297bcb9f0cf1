// Keeps the page and its files, so that the scanner opens without a network. Never a verdict.
//
// The service writes VERSION and FILES above this text. Only what FILES names is ever kept or
// answered from here; every question to the service goes past this worker.

/* global VERSION, FILES */

const PAGE = "/scanner";
const CACHE = `scanner-${VERSION}`;
const PATIENCE_MS = 3000;

self.addEventListener("install", (event) => {
  const fresh = [PAGE, ...FILES].map((address) => new Request(address, { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOlder().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== self.location.origin) return;
  if (mode === "navigate" && pathname === PAGE) event.respondWith(page(event.request));
  else if (FILES.includes(pathname)) event.respondWith(kept(pathname, event.request));
});

async function dropOlder() {
  const names = await caches.keys();
  const older = names.filter((name) => name.startsWith("scanner-") && name !== CACHE);
  await Promise.all(older.map((name) => caches.delete(name)));
}

/** From the service, in the language asked for; what was kept when it does not answer. */
async function page(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status >= 500) throw new Error(`answer ${answer.status}`);
    // A page of a newer release belongs to files that this worker does not keep.
    const isOurs = answer.ok && (await answer.clone().text()).includes(`/static/${VERSION}/`);
    if (isOurs) await cache.put(PAGE, answer.clone());
    return answer;
  } catch (error) {
    return (await cache.match(PAGE)) ?? Promise.reject(error);
  }
}

async function kept(pathname, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(pathname)) ?? fetch(request);
}
