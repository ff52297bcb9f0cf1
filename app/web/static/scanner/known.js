// What a scanner needs to know to go on without a network: the published keys, the signed list of
// refused codes, and how far the clock of this device is off.
//
// docs/offline.md has the format of the list. It is believed when a published live key signed it.

import { hasSigned, octetsOf } from "./es256.js";
import * as service from "./service.js";
import * as store from "./store.js";

export const LONGEST_OFFLINE_S = 24 * 3600;
const BACK_S = 60; // how far a clock may go back without anybody having set it

/** Fetch keys and list anew and keep them; gives what is known from now on. */
export async function download(till, codeBase, before) {
  const [keys, { list, now }] = await Promise.all([
    service.publishedKeys(),
    service.offlineList(till.key, before?.etag),
  ]);
  const content = list ? await open(list, keys, till) : before;
  const known = { ...content, keys, codeBase, confirmedAt: now, aheadMs: now * 1000 - Date.now(), latest: now };
  await store.keep("known", known);
  return known;
}

/** Unix seconds on the server's clock, as far as this device can tell. */
export function serverNow(known) {
  return (Date.now() + (known?.aheadMs ?? 0)) / 1000;
}

/** Seconds since the list was last known to be the present one. */
export function ageS(known) {
  return Math.max(0, serverNow(known) - known.confirmedAt);
}

/** Why nothing can be judged offline: "no_list", "list_too_old", "clock_set_back"; or null. */
export function obstacle(known) {
  if (!known) return "no_list";
  if (serverNow(known) < known.latest - BACK_S) return "clock_set_back";
  return ageS(known) > LONGEST_OFFLINE_S ? "list_too_old" : null;
}

/** Remember how late it was: a clock that is set back later would make the list young again. */
export async function remember(known) {
  known.latest = Math.max(known.latest, serverNow(known));
  await store.keep("known", known);
}

async function open({ jws, etag }, keys, till) {
  const [head, body, signature] = jws.split(".");
  const { alg, kid, typ } = parse(head);
  const key = keys.find((one) => one.kid === kid && !one.test);
  const isOurs = alg === "ES256" && typ === "lk1-offline-list+jwt" && key;
  const signed = new TextEncoder().encode(`${head}.${body}`);
  if (!isOurs || !(await hasSigned(key, signed, octetsOf(signature)))) {
    throw new service.Silence("the offline list is not signed by a published key");
  }
  const list = parse(body);
  if (list.test !== till.test || list.prefix_bytes !== 8) {
    throw new service.Silence("the offline list is not for this till");
  }
  return { salt: octetsOf(list.salt), refused: octetsOf(list.prefixes), etag };
}

function parse(base64url) {
  return JSON.parse(new TextDecoder().decode(octetsOf(base64url)));
}
