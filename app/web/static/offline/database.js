// An IndexedDB of this origin, opened when it is first needed.
//
// Only scripts of this origin reach it, and the policy of the pages lets no other script run here.
// A promise is kept when the transaction is on disk, not when it was asked for.

/** Runs `work(stores)` in one transaction and gives the result of the request it returns. */
export function database(name, version, create) {
  let opened = null;

  function open() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(name, version);
      request.onupgradeneeded = () => create(request.result);
      request.onsuccess = () => {
        request.result.onclose = () => (opened = null); // the browser took it away, e.g. to clean up
        resolve(request.result);
      };
      request.onerror = () => {
        opened = null;
        reject(request.error);
      };
    });
  }

  return async function inside(names, mode, work) {
    opened ??= open();
    const here = await opened;
    return new Promise((resolve, reject) => {
      const options = { durability: mode === "readwrite" ? "strict" : "default" };
      const transaction = here.transaction(names, mode, options);
      const stores = Object.fromEntries(names.map((one) => [one, transaction.objectStore(one)]));
      const request = work(stores);
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? request.error);
    });
  };
}
