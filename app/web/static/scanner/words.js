// What a verdict looks like and says, as values; the sentences stand in the page's template "words".

const sentences = new Map();

/** The sentence of a key, with its `{places}` filled. */
export function say(key, places = {}) {
  if (sentences.size === 0) {
    const { content } = document.getElementById("words");
    for (const { dataset, textContent } of content.querySelectorAll("[data-key]")) {
      sentences.set(dataset.key, textContent.trim());
    }
  }
  const sentence = sentences.get(key);
  if (sentence === undefined) throw new Error(`no words for ${key}`);
  return sentence.replace(/\{(\w+)\}/g, (_, place) => places[place]);
}

/** "ok", "care" (valid, but look closer), "stop", or "grey" where it says nothing of the card. */
export function toneOf({ valid, reason, advice, obstacle }) {
  if (obstacle || reason === "test_card") return "grey";
  if (!valid) return "stop";
  return advice.includes("check_id") ? "care" : "ok";
}

/** A verdict as `{tone, word, initials, message, hints, facts}`; each a string or a list of them. */
export function describe(verdict) {
  const { valid, reason, carrier, grade, holder, offline, obstacle, repeat } = verdict;
  const tone = toneOf(verdict);
  const message = obstacle
    ? say(`obstacle.${obstacle}`)
    : (verdict.end_user_message?.[language()] ?? say(`reason.${reason}`));
  const hints = [
    ...verdict.advice.map((advice) => say(`advice.${advice}`)),
    ...(repeat ? [say("repeat")] : []),
    ...(verdict.test && valid ? [say("test")] : []),
    ...(offline && valid ? [say(carrier === "web" ? "unseen.web" : "unseen.other")] : []),
  ];
  const code = [carrier && say(`carrier.${carrier}`), grade && say(`grade.${grade}`)];
  const until = valid && verdict.expires_on && say("until", { day: day(verdict.expires_on) });
  return {
    tone,
    word: wordOf(tone, reason),
    initials: holder?.initials ?? "",
    message,
    hints,
    facts: [...code, until, offline && !obstacle && say("offline")].filter(Boolean),
  };
}

/** A line of the shift, with what the service said afterwards, as `{tone, word, time, details}`. */
export function lineOf(line) {
  const later = line.later && !line.later.valid;
  const tone = later ? "stop" : toneOf(line);
  const details = [
    line.carrier && say(`carrier.${line.carrier}`),
    line.grade && say(`grade.${line.grade}`),
    line.repeat && say("line.repeat"),
    line.offline && line.valid && say(line.later ? "line.sent" : "line.waiting"),
    later && say(line.later.reason ? "line.later" : "line.dropped"),
    !line.valid && say(`short.${line.reason}`),
  ];
  const time = new Date(line.at).toLocaleTimeString(locale(), { timeStyle: "short" });
  return { tone, word: wordOf(tone, line.reason), time, details: details.filter(Boolean) };
}

/** How long something took or is ago: "45 min", "3 h". */
export function span(seconds) {
  const minutes = Math.floor(seconds / 60);
  const [value, unit] = minutes < 120 ? [minutes, "minute"] : [Math.floor(minutes / 60), "hour"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" }).format(value);
}

function wordOf(tone, reason) {
  return say(tone === "grey" && reason === "test_card" ? "word.test" : `word.${tone}`);
}

function day(iso) {
  return new Date(`${iso}T12:00:00Z`).toLocaleDateString(locale(), { dateStyle: "long", timeZone: "UTC" });
}

// As the language is written in Belgium: 14:05 and 31 December, in English too.
function locale() {
  return `${language()}-BE`;
}

function language() {
  return document.documentElement.lang;
}
