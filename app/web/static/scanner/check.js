// One presentation of a card, from its text to the verdict on the screen.
//
// The service is asked; where it is silent, the check is made here, and a good card's check waits
// to be sent from the moment its verdict is shown, under a nonce that makes sending it twice harmless.

import { judge } from "./judge.js";
import { obstacle, remember, serverNow } from "./known.js";
import { Silence, verify } from "./service.js";
import * as store from "./store.js";
import { isTypedNumber } from "./token.js";

const CHANNEL = "scanner";
const REPEAT_S = 120;
const LONGEST = 300; // what the service reads of a text

/**
 * The verdict in the words of the interface, with `offline` and, where nothing could be judged,
 * `obstacle`. Where the service `isOffline` already, a queue does not wait for it once more.
 * Throws `Refusal` when the service refuses to be asked.
 */
export async function check(text, { till, known, minGrade, isOffline }) {
  const question = { presentation: text.slice(0, LONGEST), channel: CHANNEL, min_grade: minGrade };
  const why = isTypedNumber(text) ? "needs_network" : obstacle(known);
  if (why || !isOffline) {
    try {
      const verdict = { ...(await verify(question, till.key)), offline: false };
      await note(verdict).catch((error) => console.warn("not on the list of the shift:", error.message));
      return verdict;
    } catch (error) {
      if (!(error instanceof Silence)) throw error;
      console.info("checked offline:", error.message);
    }
  }
  if (why) return { valid: false, obstacle: why, offline: true, advice: [], test: false };
  return checkOffline(question, { till, known, minGrade });
}

async function checkOffline(question, { till, known, minGrade }) {
  const now = serverNow(known);
  const asked = { known, now, minGrade, testTill: till.test };
  const { canonical, ...found } = await judge(question.presentation, asked);
  await remember(known);
  const verdict = { ...found, offline: true, repeat: false };
  if (!verdict.valid) {
    await note(verdict);
    return verdict;
  }
  const before = (await store.waiting()).find(
    (upload) => upload.canonical === canonical && now - upload.at <= REPEAT_S,
  );
  if (before) return { ...verdict, repeat: true };
  const offline = { scanned_at: new Date(now * 1000).toISOString(), nonce: crypto.randomUUID() };
  await note(verdict, { question: { ...question, offline }, canonical, at: now, nonce: offline.nonce });
  return verdict;
}

/** A line of the shift tells what a till slip would, and nothing about the holder. */
function note({ valid, reason, carrier, grade, advice, test, offline, repeat }, upload = null) {
  const id = upload?.nonce ?? crypto.randomUUID();
  const line = { id, at: Date.now(), valid, reason, carrier, grade, advice, test, offline, repeat };
  return store.note(line, upload);
}
