// The live web card: draws the strip of this moment and fetches the next strips in time.
//
// Time is the server's: a phone's own clock may be wrong by hours, so only its progress since the
// last answer counts. Without a connection the card goes on until its strips run out, then it shows
// no code rather than a dead one. The page that opens without a network is the same one, empty: it
// shows what this device kept, and makes room for the real page once the service answers again.

import { encode } from "../vendor/uqr.js";
import { prove } from "./device.js";
import { forgetCard, keepCard, recallCard } from "./store.js";

const PAGE = "/card/live";
const ASK_AGAIN_S = 60; // so that a phone whose card moved to another one soon knows
const RETRY_MS = 8000;
const ANSWER_TIMEOUT_MS = 8000;
const PAGE_TIMEOUT_MS = 3000; // as in the service worker, which shows a slower page as none
const MINUTES = 10;
const MINUTES_ON_REQUEST = 60;
const QUIET_ZONE_MODULES = 4; // ISO/IEC 18004 section 9.1

const element = (id) => document.getElementById(id);
const [live, qr, blank, countdown, seconds, left, status, login, elsewhere, store] = [
  "live", "qr", "blank", "countdown", "seconds", "left", "status", "login", "elsewhere", "store",
].map(element);
const PRINTED = ["holder-name", "holder-initials", "card-number"];
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? null;

const address = new URL(live.dataset.strips, location.href).href;
const csrfToken = meta("csrf-token");
const isReal = csrfToken !== null; // and not the page that stands in for it without a network
let nonce = meta("proof-nonce"); // a test card is anybody's and asks for no proof
const isOwn = !isReal || nonce !== null;

let strips = []; // {code, from, until}, Unix seconds, in order of time
let serverAheadMs = 0;
let shownCode = null;
let connected = isReal;
let refusal = null; // "ended", "refused", "elsewhere" or "moved": asking again would not help
let fetching = false;
let fetchNotBeforeMs = 0;
let answeredMs = -Infinity;

const serverNow = () => (Date.now() + serverAheadMs) / 1000;
const lastSecond = () => strips.at(-1)?.until ?? 0;
const printed = () => PRINTED.map((id) => element(id).textContent);

/** Codes of before the page was opened, if they are of the card that it shows. */
async function takeUp() {
  const kept = await recallCard();
  if (!isReal) live.classList.toggle("bare", !kept);
  if (!kept || (isReal && kept.printed.join() !== printed().join())) return;
  if (!isReal) fillIn(kept.printed);
  ({ strips, serverAheadMs } = kept);
}

function fillIn(texts) {
  for (const [i, id] of PRINTED.entries()) element(id).textContent = texts[i];
  element("holder-initials").parentElement.hidden = !element("holder-initials").textContent;
}

/** Leave for the real page as soon as it answers, be it with the log-in. */
async function comeBack() {
  if (!navigator.serviceWorker?.controller) return; // opened by itself, to be looked at
  const answer = await fetch(PAGE, {
    headers: { Accept: "text/html" },
    cache: "no-store",
    redirect: "manual",
    signal: AbortSignal.timeout(PAGE_TIMEOUT_MS),
  });
  if (answer.status >= 500 || answer.status === 429) throw new Error(`answer ${answer.status}`);
  location.replace(PAGE);
}

/** As many minutes as there are codes for: what was taken along for an hour stays as long. */
function minutesInHand() {
  const inHand = Math.floor((lastSecond() - serverNow()) / 60);
  return Math.min(MINUTES_ON_REQUEST, Math.max(MINUTES, inHand));
}

async function fetchStrips({ minutes = minutesInHand(), moving = false } = {}) {
  fetching = true;
  try {
    if (isReal) await take(await proved(new URLSearchParams({ minutes, moving })));
    else await comeBack();
  } catch (error) {
    console.warn("no strips:", error.message);
    connected = false;
  } finally {
    fetching = false;
    // At random, so that phones that lost the same connection do not come back in one second.
    fetchNotBeforeMs = Date.now() + RETRY_MS * (0.5 + Math.random());
  }
  tick();
}

/** A proof names what the service said last; after a while it wants to have said it anew. */
async function proved(body) {
  const answer = await ask(body);
  const isStale = answer.status === 401 && answer.headers.has("DPoP-Nonce");
  return isStale ? ask(body) : answer;
}

async function ask(body) {
  const headers = { Accept: "application/json", "X-CSRF-Token": csrfToken };
  if (nonce !== null) headers.DPoP = await prove("POST", address, nonce);
  const answer = await fetch(address, {
    method: "POST",
    headers,
    body,
    cache: "no-store",
    redirect: "manual", // a redirect can only mean: log in first
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  nonce = answer.headers.get("DPoP-Nonce") ?? nonce;
  return answer;
}

async function take(answer) {
  if (answer.ok) {
    const { server_time, strips: fresh } = await answer.json();
    serverAheadMs = server_time * 1000 - Date.now();
    strips = fresh;
    answeredMs = Date.now();
    connected = true;
    refusal = null;
    if (isOwn) await keepCard({ printed: printed(), strips, serverAheadMs });
  } else if (answer.type === "opaqueredirect" || answer.status === 401) {
    await refuse("ended");
  } else if (answer.status === 409) {
    await refuse(strips.length > 0 || refusal === "moved" ? "moved" : "elsewhere");
  } else if (answer.status < 500 && answer.status !== 429 && answer.status !== 408) {
    await refuse("refused");
  } else {
    throw new Error(`answer ${answer.status}`);
  }
}

async function refuse(why) {
  refusal = why;
  strips = [];
  if (isOwn) await forgetCard();
}

function tick() {
  const now = serverNow();
  const strip = strips.findLast(({ from, until }) => from <= now && now < until);
  if (strip) {
    draw(strip.code);
    count(strip, now);
  }
  qr.toggleAttribute("hidden", !strip);
  blank.hidden = Boolean(strip);
  countdown.hidden = !strip;
  login.hidden = refusal !== "ended";
  elsewhere.hidden = refusal !== "elsewhere" && refusal !== "moved";
  store.hidden = nonce === null || !strip || !connected || lastSecond() - now > MINUTES * 60;
  say(strip);
  const due = document.visibilityState === "visible" && Date.now() - answeredMs > ASK_AGAIN_S * 1000;
  if (due && !refusal && !fetching && Date.now() >= fetchNotBeforeMs) fetchStrips();
}

function draw(code) {
  if (code === shownCode) return;
  const { data, size } = encode(code, { ecc: "M", boostEcc: false, border: 0 });
  const whole = size + 2 * QUIET_ZONE_MODULES;
  qr.setAttribute("viewBox", `${-QUIET_ZONE_MODULES} ${-QUIET_ZONE_MODULES} ${whole} ${whole}`);
  const modules = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
  qr.firstElementChild.setAttribute("d", modules.join(""));
  shownCode = code;
}

function count(strip, now) {
  const next = strips.find(({ from }) => from > strip.from);
  const end = Math.min(strip.until, next?.from ?? strip.until);
  left.max = end - strip.from;
  left.value = end - now;
  seconds.textContent = Math.ceil(end - now);
}

// Written only when it changes, so that a screen reader speaks once per change.
function say(strip) {
  const state = refusal ?? (strip ? (connected ? "fresh" : "ahead") : withoutCode());
  if (!state) return;
  const end = new Date(lastSecond() * 1000 - serverAheadMs);
  const time = end.toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
  const text = status.dataset[state].replace("{time}", time);
  if (status.textContent !== text) status.textContent = text;
  status.className = { fresh: "ok", ahead: "notice" }[state] ?? "stop";
}

function withoutCode() {
  if (connected) return null; // the first answer is on its way
  return live.classList.contains("bare") ? "empty" : "stale";
}

async function keepScreenOn() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch (error) {
    console.info("the screen may go dark:", error.message); // a phone saving its battery says no
  }
}

// A phone that slept, or a page that comes back from history, may hold strips of long ago.
function wake() {
  if (document.visibilityState !== "visible") return;
  fetchNotBeforeMs = 0;
  answeredMs = -Infinity;
  if (refusal !== "moved") refusal = null;
  tick();
  keepScreenOn();
}

element("plain").remove();
if (isOwn) {
  await takeUp();
  navigator.serviceWorker
    ?.register(`${PAGE}/worker.js`, { scope: PAGE })
    .catch((error) => console.warn("not kept for when there is no network:", error.message));
}
element("move").addEventListener("click", () => fetchStrips({ moving: true }));
element("hour").addEventListener("click", () => fetchStrips({ minutes: MINUTES_ON_REQUEST }));
document.addEventListener("visibilitychange", wake);
window.addEventListener("pageshow", ({ persisted }) => persisted && wake());
window.addEventListener("online", wake);
setInterval(tick, 1000);
wake();
