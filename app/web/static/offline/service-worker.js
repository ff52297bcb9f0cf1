// Keeps one page and its files, so that it opens without a network. Never an answer about anybody.
//
// The service writes NAME, SCOPE, PAGE, VERSION and FILES above this text. PAGE is what opens in
// the place of SCOPE without a network; it may be SCOPE itself. Only what FILES names is kept
// beside it, and every other question goes past this worker.

/* global NAME, SCOPE, PAGE, VERSION, FILES */

const CACHE = `${NAME}-${VERSION}`;
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
  if (mode === "navigate" && pathname === SCOPE) event.respondWith(page(event));
  else if (FILES.includes(pathname)) event.respondWith(kept(pathname, event.request));
});

async function dropOlder() {
  const names = await caches.keys();
  const older = names.filter((name) => name.startsWith(`${NAME}-`) && name !== CACHE);
  await Promise.all(older.map((name) => caches.delete(name)));
}

/** From the service, in the language asked for; what was kept when it does not answer. */
async function page(event) {
  try {
    const answer = await fetch(event.request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status >= 500) throw new Error(`answer ${answer.status}`);
    if (answer.ok) event.waitUntil(renew(answer.clone()));
    return answer;
  } catch (error) {
    const cache = await caches.open(CACHE);
    return (await cache.match(PAGE)) ?? Promise.reject(error);
  }
}

/** Keep the page in the language of this moment. */
async function renew(answer) {
  const fresh = PAGE === SCOPE ? answer : await fetch(PAGE);
  // A page of a newer release belongs to files that this worker does not keep.
  const isOurs = fresh.ok && (await fresh.clone().text()).includes(`/static/${VERSION}/`);
  if (isOurs) await (await caches.open(CACHE)).put(PAGE, fresh);
}

async function kept(pathname, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(pathname)) ?? fetch(request);
}
