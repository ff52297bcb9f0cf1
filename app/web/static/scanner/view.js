// Everything that is seen of the scanner, drawn from values; knows the page and nothing of cards.

import { describe, lineOf, say, span } from "./words.js";

const element = (id) => document.getElementById(id);

/** Show one of the panels: "enrol" or "ready". */
export function showPanel(name) {
  element("plain")?.remove();
  for (const panel of ["enrol", "ready"]) element(panel).hidden = panel !== name;
}

/** The shop and till whose device this is. */
export function showTill({ partner, till, test }) {
  element("place").textContent = `${partner} – ${till}`;
  element("sandbox").hidden = !test;
}

/** A fault under the set-up code, by its key of words; null when there is none. */
export function showEnrolFault(key) {
  const fault = element("enrol-fault");
  fault.textContent = key ? say(key) : "";
  fault.hidden = !key;
}

/** How we stand: `{isOffline, ageS, obstacle, waiting}`; `ageS` null before the first list. */
export function showConnection({ isOffline, ageS, obstacle, waiting }) {
  const state = !isOffline ? "online" : obstacle ? "stopped" : "offline";
  const tone = { online: "", offline: "notice", stopped: "stop" }[state];
  element("connection").className = `connection ${tone}`;
  element("unseen").hidden = state !== "offline";
  const age = ageS !== null && !obstacle && say(ageS < 60 ? "age.now" : "age", { age: span(ageS) });
  const more = [
    isOffline && obstacle && say(`obstacle.${obstacle}`),
    age,
    waiting > 0 && say("waiting", { count: waiting }),
  ];
  // Only the change of state is spoken; the age changes every minute.
  if (element("connection-state").textContent !== say(`connection.${state}`)) {
    element("connection-state").textContent = say(`connection.${state}`);
  }
  element("connection-more").textContent = more.filter(Boolean).join(" ");
}

/** A check is under way. */
export function showBusy() {
  element("result").hidden = true;
  element("busy").hidden = false;
  element("stage").dataset.tone = "busy";
}

/** A verdict of check.js, large; and spoken once. */
export function showVerdict(verdict) {
  draw(describe(verdict));
}

/** What kept us from asking at all, in the service's words. */
export function showTrouble(message) {
  draw({ tone: "grey", word: say("word.grey"), initials: "", message, hints: [], facts: [] });
}

/** Ready for the next card. */
export function showNothing() {
  element("result").hidden = true;
  element("busy").hidden = true;
  delete element("stage").dataset.tone;
}

/** The camera is on, with what its lens can do; or off, with a reason of words "camera.…". */
export function showCamera({ isOn, torch = false, zoom, trouble = null }) {
  element("viewfinder").hidden = !isOn;
  element("start").hidden = isOn;
  element("stop").hidden = !isOn;
  element("torch").hidden = !torch;
  element("zoom-field").hidden = !zoom;
  if (zoom) {
    const { min, max, step } = zoom;
    Object.assign(element("zoom"), { min, max, step: step || 0.1, value: min });
  }
  element("camera-trouble").hidden = !trouble;
  element("camera-trouble-words").textContent = trouble ? say(`camera.${trouble}`) : "";
}

/** The lines of this shift, the newest first. */
export function showShift(lines) {
  element("shift-count").textContent = lines.length;
  element("shift-empty").hidden = lines.length > 0;
  element("clear-shift").hidden = lines.length === 0;
  element("shift-lines").replaceChildren(...lines.map(drawnLine));
}

/** The choices as they are kept: `{minGrade, sound, vibration}`. */
export function showChoices({ minGrade, sound, vibration }) {
  element("min-grade").value = minGrade;
  element("sound").checked = sound;
  element("vibration").checked = vibration;
}

function draw({ tone, word, initials, message, hints, facts }) {
  const result = element("result");
  for (const icon of result.querySelectorAll("[data-icon]")) icon.hidden = icon.dataset.icon !== tone;
  element("word").textContent = word;
  element("initials").hidden = !initials;
  element("initials-letters").textContent = [...initials].join("\u2009");
  element("message").textContent = message;
  element("hints").replaceChildren(...hints.map((hint) => item("li", hint)));
  element("facts").replaceChildren(...facts.map((fact) => item("li", fact)));
  element("busy").hidden = true;
  result.hidden = false;
  element("stage").dataset.tone = tone;
  element("stage").scrollIntoView({ block: "nearest" });
  speak([word, initials && `${say("initials")} ${[...initials].join(" ")}`, message, ...hints]);
}

// Emptied first: a screen reader says nothing when the same words are written once more.
function speak(parts) {
  const spoken = element("spoken");
  spoken.textContent = "";
  setTimeout(() => (spoken.textContent = parts.filter(Boolean).join(". ")), 50);
}

function drawnLine(line) {
  const { tone, word, time, details } = lineOf(line);
  const drawn = element("shift-line").content.firstElementChild.cloneNode(true);
  for (const icon of drawn.querySelectorAll("[data-icon]")) icon.hidden = icon.dataset.icon !== tone;
  drawn.dataset.tone = tone;
  drawn.querySelector("time").textContent = time;
  drawn.querySelector("strong").textContent = word;
  drawn.querySelector("small").textContent = details.join(" · ");
  return drawn;
}

function item(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
