// The card token LK1 as text and bytes: docs/card-token.md sections 1 and 2, without its proof.
//
// Reads like app/cards/token.py, and the same vectors test both. What a text says is believed by
// nobody before judge.js has checked the signature.

import { repair } from "./azerty.js";

const LONGEST = 300;
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const WHITE_SPACE_AT_ENDS = /^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g;
// Behind a scheme, or else before a single slash; RFC 3986 section 3.
const AUTHORITY =
  /^(?:[A-Z][A-Z0-9+.-]*:\/\/([^/?# \t\n\v\f\r]+)(?=[/?#]|$)|([^/?# \t\n\v\f\r]+)(?=\/(?!\/)))/;
const PATH = /^\/1([0-9A-TV-Z]{146})(?:\/([0-9]{10})\/([0-9]{8}))?$/;
const CARRIERS = { 1: "web", 2: "apple", 3: "google", 4: "paper" };
const GRID_S = { web: 30, apple: 3600, google: 3600, paper: 3600 };
const PAYLOAD_BYTES = 27;
const TOKEN_BYTES = 91;
const LETTERS = 26;

/**
 * A token, or `{ fault }` with "malformed" or "foreign_code"; never throws.
 *
 * `codeBase` as in the setting: "HTTPS://HOST[:PORT]". Moments are Unix seconds.
 */
export function read(text, codeBase) {
  const scanned = upper(repair(text.slice(0, LONGEST).replace(WHITE_SPACE_AT_ENDS, "")));
  const address = AUTHORITY.exec(scanned);
  if (address && (address[1] ?? address[2]) !== codeBase.split("://")[1]) {
    return { fault: "foreign_code" };
  }
  const path = PATH.exec(scanned.slice(address ? address[0].length : 0));
  if (!path) return { fault: "malformed" };
  const body = path[1].replaceAll("O", "0").replace(/[IL]/g, "1");
  const tail = path[3] ? { seconds: Number(path[2]), digits: path[3] } : null;
  return unpack(body, tail) ?? { fault: "malformed" };
}

/** Whether a text is a card number or a webshop code as people type them, which only we can judge. */
export function isTypedNumber(text) {
  const bare = upper(text.slice(0, LONGEST).replace(WHITE_SPACE_AT_ENDS, "").replace(/[ -]/g, ""));
  const number = bare.replaceAll("O", "0").replace(/[IL]/g, "1");
  if (!/^(?:W[0-9A-Z]{10}|[0-9A-Z]{10})$/.test(number) || number.includes("U")) return false;
  const values = [...number.slice(0, -1)].map((character) => ALPHABET.indexOf(character));
  const total = values.reduce((sum, value, index) => sum + value * (index + 1), 0);
  return number.at(-1) === ALPHABET[total % 31];
}

// ASCII only: toUpperCase alone also makes an S of a long s and an I of a dotless i.
function upper(text) {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

function unpack(body, tail) {
  const octets = decode(body);
  if (!octets) return null;
  const fields = new DataView(octets.buffer);
  const carrier = CARRIERS[octets[0] >> 4];
  const issuedAt = fields.getUint32(2);
  const lifetime = fields.getUint16(6);
  const lifetimeS = (lifetime & 0x7fff) * (lifetime & 0x8000 ? 3600 : 1);
  const initials = readInitials(fields.getUint16(24));
  const isWhole = carrier && initials !== null && lifetimeS > 0;
  const isPlain = (octets[0] & 0x0e) === 0 && octets[26] === 0;
  if (!isWhole || !isPlain || issuedAt % GRID_S[carrier] || (tail && carrier !== "google")) return null;
  return {
    carrier,
    test: (octets[0] & 1) === 1,
    keyId: octets[1],
    issuedAt,
    lifetimeS,
    endsAt: issuedAt + lifetimeS,
    reference: octets.slice(8, 24),
    initials,
    payload: octets.slice(0, PAYLOAD_BYTES),
    signature: octets.slice(PAYLOAD_BYTES),
    canonical: tail ? `${body}/${String(tail.seconds).padStart(10, "0")}/${tail.digits}` : body,
    tail,
  };
}

/** 91 bytes, most significant bit first; null when a spare bit at the end is not 0. */
function decode(body) {
  const octets = new Uint8Array(TOKEN_BYTES);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const symbol of body) {
    bits = ((bits << 5) | ALPHABET.indexOf(symbol)) & 0xfff;
    held += 5;
    if (held >= 8) {
      held -= 8;
      octets[at++] = bits >> held;
    }
  }
  return bits & ((1 << held) - 1) ? null : octets;
}

/** "EV", "P" or "" of packed initials; null when a field holds no letter. */
function readInitials(packed) {
  const letters = [packed >> 5, packed & 31];
  if (letters.some((letter) => letter > LETTERS)) return null;
  return letters.map((letter) => (letter ? String.fromCharCode(64 + letter) : "")).join("");
}
