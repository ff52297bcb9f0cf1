// Says what is wrong with a scanner gun by what it types for a code whose text is known.

import { repair } from "./azerty.js";
import { listen } from "./gun.js";
import { say } from "./words.js";

const SILENCE_MS = 700; // a gun has finished by then
const FEWEST_KEYS = 6; // a person presses a few now and then
const SHOWN_DIFFERENCES = 3;
const CODES = ["A", "B"];

const tests = [...document.querySelectorAll("[data-test]")].map(({ dataset }) => dataset.test);
const words = document.getElementById("outcome-words");
const outcome = document.getElementById("outcome");
let keys = 0;
let silence = null;

function judge(text) {
  const exact = tests.indexOf(text);
  if (exact >= 0) return ["ok", say("good", { code: CODES[exact] })];
  const folded = tests.indexOf(text.toUpperCase());
  if (folded >= 0) return ["care", say("capitals", { code: CODES[folded] })];
  const repaired = tests.indexOf(repair(text).toUpperCase());
  if (repaired >= 0) return ["care", say("azerty", { code: CODES[repaired] })];
  const meant = tests.find((test) => test.length === text.length);
  return meant ? ["stop", say("wrong", differences(text, meant))] : ["stop", say("other")];
}

function differences(text, meant) {
  const places = [...text].map((_, place) => place).filter((place) => text[place] !== meant[place]);
  const shown = [...new Map(places.map((place) => [meant[place], text[place]]))].slice(0, SHOWN_DIFFERENCES);
  return { meant: shown.map(([one]) => one).join(" "), typed: shown.map(([, other]) => other).join(" ") };
}

function show([tone, sentence]) {
  for (const icon of outcome.querySelectorAll("[data-icon]")) icon.hidden = icon.dataset.icon !== tone;
  outcome.dataset.tone = tone;
  outcome.hidden = false;
  words.textContent = sentence;
}

function hear(event) {
  if (event.key.length !== 1) return;
  keys += 1;
  clearTimeout(silence);
  silence = setTimeout(() => {
    if (keys >= FEWEST_KEYS) show(["stop", say("endless")]);
    keys = 0;
  }, SILENCE_MS);
}

document.addEventListener("keydown", hear);
listen((text) => {
  clearTimeout(silence);
  keys = 0;
  show(judge(text));
});
