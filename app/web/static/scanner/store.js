// What this device keeps, in one IndexedDB: the till key, what was downloaded, settings, the checks
// that wait to be sent and the list of this shift.

import { database } from "../offline/database.js";

const inside = database("lerarenkaart-scanner", 1, (made) => {
  made.createObjectStore("kept");
  made.createObjectStore("uploads", { keyPath: "nonce" });
  made.createObjectStore("shift", { keyPath: "id" }).createIndex("at", "at");
});

/** The value kept under a name, undefined when there is none. */
export function recall(name) {
  return inside(["kept"], "readonly", (stores) => stores.kept.get(name));
}

/** Keep a value (anything that can be cloned) under a name. */
export function keep(name, value) {
  return inside(["kept"], "readwrite", (stores) => stores.kept.put(value, name));
}

/** Everything that waits to be sent, the oldest first. */
export async function waiting() {
  const uploads = await inside(["uploads"], "readonly", (stores) => stores.uploads.getAll());
  return uploads.toSorted((one, other) => one.at - other.at);
}

/** Note a check that was made; `upload`, if any, waits to be sent from the same moment on. */
export function note(line, upload = null) {
  return inside(["uploads", "shift"], "readwrite", (stores) => {
    if (upload) stores.uploads.add(upload);
    return stores.shift.put(line);
  });
}

/** An upload was answered: it waits no more, and its line says what became of it. */
export function settle(nonce, later) {
  return inside(["uploads", "shift"], "readwrite", (stores) => {
    stores.uploads.delete(nonce);
    const found = stores.shift.get(nonce);
    found.onsuccess = () => found.result && stores.shift.put({ ...found.result, later });
    return found;
  });
}

/** The lines of this shift, the newest first; older ones than `since` (ms) are deleted. */
export async function shift(since) {
  await inside(["shift"], "readwrite", (stores) => {
    const old = stores.shift.index("at").openCursor(IDBKeyRange.upperBound(since));
    old.onsuccess = () => {
      old.result?.delete();
      old.result?.continue();
    };
    return old;
  });
  const lines = await inside(["shift"], "readonly", (stores) => stores.shift.index("at").getAll());
  return lines.toReversed();
}

/** Forget the lines of this shift; checks that wait to be sent stay. */
export function clearShift() {
  return inside(["shift"], "readwrite", (stores) => stores.shift.clear());
}

/** Forget the till and all that was downloaded for it. */
export function forgetTill() {
  return inside(["kept", "shift"], "readwrite", (stores) => {
    stores.shift.clear();
    stores.kept.delete("known");
    return stores.kept.delete("till");
  });
}
