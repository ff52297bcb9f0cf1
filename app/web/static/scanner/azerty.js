// The way back from a scanner gun that types for a US keyboard on a Belgian AZERTY till.
//
// Needed offline only: online the server repairs. docs/card-token.md section 6; whether a repair
// was right is not judged here, the signature decides.

const MEANT = "1234567890AQZWM:/.-";
const SHOWN = "&é\"'(§è!çàQAWZ?M=:)";

// The same keys with Caps Lock or Shift the other way round: capitals with their accents, and on
// Windows also the comma and the slash.
const BACK = new Map([
  ...[...SHOWN].map((shown, key) => [swapCase(shown), MEANT[key]]),
  ...[...SHOWN].map((shown, key) => [shown, MEANT[key]]),
  [",", "M"],
  ["/", "."],
]);

/** What was scanned, where `text` begins as our garbled scheme does; else `text` itself. */
export function repair(text) {
  if (!/^HTTPS?M==/i.test(text)) return text;
  return [...text].map((character) => BACK.get(character) ?? character).join("");
}

function swapCase(character) {
  const upper = character.toUpperCase();
  return character === upper ? character.toLowerCase() : upper;
}
