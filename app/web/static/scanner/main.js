// The scanner page: puts camera, gun, keyboard, service and screen together.

import { check } from "./check.js";
import { listen } from "./gun.js";
import * as known from "./known.js";
import { Lens } from "./lens.js";
import { enrol, Refusal, Silence } from "./service.js";
import { signal } from "./signal.js";
import * as store from "./store.js";
import { sendAll } from "./uploads.js";
import * as view from "./view.js";
import { say, toneOf } from "./words.js";

const DOWNLOAD_EVERY_MS = 15 * 60_000; // docs/card-token.md section 8
const TRY_AGAIN_MS = 10_000;
const TICK_MS = 5000;
const SHIFT_MS = 12 * 3600_000;
const ON_A_DEAD_KEY = new Set([401, 403]);

const { codeBase, decoder, module, wasm } = document.getElementById("scanner").dataset;
const element = (id) => document.getElementById(id);

let till; // as kept: its key, its name and that of the shop
let learned; // what known.js downloads
let choices = { minGrade: "static", sound: false, vibration: true };
let isOffline = false;
let nextDownloadMs = 0;
let turn = 0; // of the check whose verdict may be shown
const lens = new Lens({ decoder, module, wasm }, present, () => view.showTrouble(say("photo.nothing")));

async function begin() {
  const code = new URLSearchParams(location.hash.slice(1)).get("enrol");
  history.replaceState(null, "", location.pathname + location.search); // the code is nobody else's
  const kept = await Promise.all(["till", "known", "choices"].map(store.recall));
  [till, learned, choices] = [kept[0], kept[1], kept[2] ?? choices];
  view.showChoices(choices);
  if (till) await open();
  else view.showPanel("enrol");
  if (code && !till) element("code").value = code;
}

async function open() {
  view.showTill(till);
  view.showPanel("ready");
  view.showNothing();
  isOffline = !navigator.onLine;
  await Promise.all([showShift(), showConnection()]);
  await Promise.all([refresh(), lens.offer()]);
}

// --- a card ---

async function present(text) {
  if (!till) return;
  const mine = ++turn;
  const slow = setTimeout(view.showBusy, 200);
  try {
    const verdict = await check(text, { till, known: learned, minGrade: choices.minGrade, isOffline });
    if (verdict.offline !== isOffline) reach(!verdict.offline);
    clearTimeout(slow);
    if (mine !== turn) return;
    view.showVerdict(verdict);
    signal(toneOf(verdict), choices);
  } catch (error) {
    clearTimeout(slow);
    if (error instanceof Refusal && ON_A_DEAD_KEY.has(error.status)) return lose();
    if (mine === turn) view.showTrouble(error instanceof Refusal ? error.message : say("obstacle.storage"));
    if (!(error instanceof Refusal)) console.error(error);
  }
  await showShift();
}

function next() {
  turn++;
  lens.next();
  view.showNothing();
}

// --- the service ---

/** Download and send what is due; the one way to find out whether the service is there again. */
async function refresh() {
  if (!till) return;
  nextDownloadMs = Date.now() + soon();
  try {
    learned = await known.download(till, codeBase, learned);
    nextDownloadMs = Date.now() + DOWNLOAD_EVERY_MS;
    isOffline = false;
    await sendAll(till);
    await showShift();
  } catch (error) {
    if (error instanceof Refusal && ON_A_DEAD_KEY.has(error.status)) return lose();
    if (error instanceof Refusal && error.retryAfterS) nextDownloadMs = Date.now() + error.retryAfterS * 1000;
    isOffline = error instanceof Silence;
    console.info("not refreshed:", error.message);
  }
  await showConnection();
}

function reach(isThere) {
  isOffline = !isThere;
  nextDownloadMs = isThere ? 0 : Math.min(nextDownloadMs, Date.now() + soon());
  tick();
}

// At random, so that tills that lost the same service do not come back in one second.
function soon() {
  return TRY_AGAIN_MS * (0.5 + Math.random());
}

async function tick() {
  if (!till) return;
  if (Date.now() >= nextDownloadMs) await refresh();
  else await showConnection();
}

async function showConnection() {
  const waiting = (await store.waiting()).length;
  const ageS = learned ? known.ageS(learned) : null;
  view.showConnection({ isOffline, ageS, obstacle: known.obstacle(learned), waiting });
}

async function showShift() {
  view.showShift(await store.shift(Date.now() - SHIFT_MS));
}

/** The key does not count any more: nothing can be checked before somebody sets the device up. */
async function lose() {
  lens.stop();
  till = learned = undefined;
  await store.forgetTill();
  view.showEnrolFault("enrol.lost");
  view.showPanel("enrol");
}

// --- setting up ---

element("enrol-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  view.showEnrolFault(null);
  try {
    till = await enrolled(element("code").value);
  } catch (fault) {
    view.showEnrolFault(fault.message);
    return;
  }
  await navigator.storage?.persist?.(); // the browser then does not clean this up by itself
  element("code").value = "";
  await open();
});

/** The till that a code makes of this device; throws an error with a key of words. */
async function enrolled(code) {
  try {
    await store.keep("choices", choices); // a device that keeps nothing must not use the code up
  } catch (error) {
    throw new Error("enrol.storage", { cause: error });
  }
  try {
    const { till_key: key, till, partner } = await enrol(code);
    const made = { key, till, partner, test: key.startsWith("lk_test_") };
    await store.keep("till", made);
    return made;
  } catch (error) {
    if (!(error instanceof Refusal)) throw new Error("enrol.silence", { cause: error });
    throw new Error(error.status === 429 ? "enrol.busy" : "enrol.refused", { cause: error });
  }
}

element("leave").addEventListener("click", async () => {
  if ((await store.waiting()).length > 0) {
    element("leave-fault").hidden = false;
    return;
  }
  await lose();
  view.showEnrolFault(null);
});

// --- gun and keyboard ---

element("number-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = element("number").value.trim();
  element("number").value = "";
  if (text) present(text);
});
element("clear-shift").addEventListener("click", async () => {
  await store.clearShift();
  await showShift();
});
element("choices").addEventListener("change", () => {
  choices = {
    minGrade: element("min-grade").value,
    sound: element("sound").checked,
    vibration: element("vibration").checked,
  };
  store.keep("choices", choices);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") next();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") tick();
});
window.addEventListener("online", refresh);
window.addEventListener("offline", () => reach(false));
listen(present);
setInterval(tick, TICK_MS);
navigator.serviceWorker?.register("/scanner/worker.js", { scope: "/scanner" });
begin();
