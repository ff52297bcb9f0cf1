// Sends the checks that were made offline, each counted once by the service however often it comes.

import { Refusal, verify } from "./service.js";
import * as store from "./store.js";

const LOCK = "lerarenkaart-uploads";
const MAY_COME_LATER = new Set([401, 403, 429]); // of the till or the moment, not of this check

/**
 * Send what waits, the oldest first; gives how many were sent. Another window that sends already is
 * left to it. Throws `Silence` or `Refusal` when the rest has to wait.
 */
export function sendAll(till) {
  return navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (!lock) return 0;
    const uploads = await store.waiting();
    for (const { question, nonce } of uploads) await store.settle(nonce, await send(question, till));
    return uploads.length;
  });
}

/** What became of it: the service's own verdict, or that it refused to take the check at all. */
async function send(question, till) {
  try {
    const { valid, reason } = await verify(question, till.key);
    return { valid, reason };
  } catch (error) {
    if (error instanceof Refusal && !MAY_COME_LATER.has(error.status)) return { valid: false, reason: null };
    throw error;
  }
}
