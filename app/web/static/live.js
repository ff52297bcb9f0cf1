// The live web card: draws the strip of this moment and fetches the next strips in time.
//
// Time is the server's: a phone's own clock may be wrong by hours, so only its progress since the
// last answer counts. Strips are in memory only and never stored. Without a connection the card
// goes on until its strips run out, then it shows no code rather than a dead one.

import { encode } from "./vendor/uqr.js";

const FETCH_WHEN_LEFT_S = 300; // half of what one answer brings: a dead spot may last as long
const RETRY_MS = 8000;
const ANSWER_TIMEOUT_MS = 8000;
const QUIET_ZONE_MODULES = 4; // ISO/IEC 18004 section 9.1

const [qr, blank, countdown, seconds, left, status, login] = [
  "qr", "blank", "countdown", "seconds", "left", "status", "login",
].map((id) => document.getElementById(id));
const csrfToken = document.querySelector('meta[name="csrf-token"]').content;

const address = document.getElementById("live").dataset.strips;

document.getElementById("plain").remove();

let strips = []; // {code, from, until}, Unix seconds, in order of time
let serverAheadMs = 0;
let shownCode = null;
let connected = true;
let refusal = null; // "ended" or "refused": asking again would not help
let fetching = false;
let fetchNotBeforeMs = 0;

const serverNow = () => (Date.now() + serverAheadMs) / 1000;
const lastSecond = () => strips.at(-1)?.until ?? 0;

async function fetchStrips() {
  fetching = true;
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRF-Token": csrfToken },
      cache: "no-store",
      redirect: "manual", // a redirect can only mean: log in first
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    await take(answer);
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

async function take(answer) {
  if (answer.ok) {
    const { server_time, strips: fresh } = await answer.json();
    serverAheadMs = server_time * 1000 - Date.now();
    strips = fresh;
    connected = true;
  } else if (answer.type === "opaqueredirect" || answer.status === 401) {
    refuse("ended");
  } else if (answer.status < 500 && answer.status !== 429 && answer.status !== 408) {
    refuse("refused");
  } else {
    throw new Error(`answer ${answer.status}`);
  }
}

function refuse(why) {
  refusal = why;
  strips = [];
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
  say(strip);
  const runningOut = lastSecond() - now < FETCH_WHEN_LEFT_S;
  if (runningOut && !refusal && !fetching && Date.now() >= fetchNotBeforeMs) fetchStrips();
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
  const state = refusal ?? (strip ? (connected ? "fresh" : "ahead") : connected ? null : "stale");
  if (!state) return;
  const end = new Date(lastSecond() * 1000 - serverAheadMs);
  const time = end.toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
  const text = status.dataset[state].replace("{time}", time);
  if (status.textContent !== text) status.textContent = text;
  status.className = { fresh: "ok", ahead: "notice" }[state] ?? "stop";
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
  refusal = null;
  tick();
  keepScreenOn();
}

document.addEventListener("visibilitychange", wake);
window.addEventListener("pageshow", wake);
window.addEventListener("online", wake);
setInterval(tick, 1000);
