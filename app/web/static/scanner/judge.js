// What an enrolled scanner can say of a code without a network: docs/card-token.md section 8.
//
// The order of refusals is that of section 4, as far as keys, clock and the list of refused codes
// reach. Not seen from here: rotating digits, an earlier use elsewhere, a newer code of the pass.

import { hasSigned } from "./es256.js";
import { read } from "./token.js";

// Section 4, by the server's clock as far as this device knows it; both ends inclusive.
const EARLY_S = 5;
const LATE_WEB_S = 30;
const RECENT_S = 36 * 3600;
const GRADES = ["static", "recent", "live"];
const PREFIX_BYTES = 8;
// The order of P-256 (SP 800-186 section 3.2.1.3): s must be in the low half.
const HALF_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n / 2n;
const PREFIX = new TextEncoder().encode("LK1\0");

/**
 * The verdict on a text, in the words of the interface: `{valid, reason, grade, carrier, …}`.
 *
 * `known` is what was downloaded: `codeBase`, `keys` (JWKs), `salt` and `refused` (sorted 8-byte
 * prefixes, one after the other). `now` in Unix seconds of the server.
 */
export async function judge(text, { known, now, minGrade, testTill }) {
  const token = read(text, known.codeBase);
  const refuse = (reason) => ({
    valid: false, reason, grade: null, carrier: token.carrier ?? null, holder: null, advice: [],
    test: token.test ?? false,
  });
  if (token.fault) return refuse(token.fault);
  const key = known.keys.find(({ kid }) => kid === String(token.keyId));
  if (!key || Boolean(key.test) !== token.test) return refuse("unknown_key");
  if (!(await isSigned(token, key))) return refuse("bad_signature");
  if (token.test !== testTill) return refuse(token.test ? "test_card" : "unknown_card");
  if (now < token.issuedAt - EARLY_S) return refuse("not_yet_valid");
  if (now > token.endsAt + (token.carrier === "web" ? LATE_WEB_S : 0)) return refuse("expired");
  if (await isRefused(token.reference, known)) return refuse("not_valid");
  if (token.carrier === "google" && !token.tail) return refuse("stale_code");
  const grade = gradeOf(token, now);
  if (GRADES.indexOf(grade) < GRADES.indexOf(minGrade)) return { ...refuse("grade_too_low"), grade };
  return {
    valid: true,
    reason: "ok",
    grade,
    carrier: token.carrier,
    holder: token.initials ? { initials: token.initials } : null,
    advice: [],
    test: token.test,
    canonical: token.canonical,
  };
}

async function isSigned({ payload, signature }, key) {
  const isLow = BigInt(`0x${hex(signature.slice(32))}`) <= HALF_ORDER;
  return isLow && hasSigned(key, new Uint8Array([...PREFIX, ...payload]), signature);
}

async function isRefused(reference, { salt, refused }) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", salt, algorithm, false, ["sign"]);
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, reference));
  return holds(refused, mac.getBigUint64(0));
}

/** Whether the sorted prefixes hold one, by halving. */
function holds(refused, prefix) {
  const prefixes = new DataView(refused.buffer, refused.byteOffset, refused.byteLength);
  let [low, high] = [0, refused.byteLength / PREFIX_BYTES];
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = prefixes.getBigUint64(middle * PREFIX_BYTES);
    if (found === prefix) return true;
    if (found < prefix) low = middle + 1;
    else high = middle;
  }
  return false;
}

// A Google code's digits need a secret that no scanner has, so it proves no more than paper does.
function gradeOf({ carrier, issuedAt }, now) {
  if (carrier === "web") return "live";
  return carrier === "apple" && now - issuedAt <= RECENT_S ? "recent" : "static";
}

function hex(octets) {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}
