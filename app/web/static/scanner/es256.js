// ES256 as the service signs: r and s of 32 bytes each (RFC 7518 section 3.4), with WebCrypto.

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Whether 64 bytes are the signature of a message by the key that a JWK describes. */
export async function hasSigned({ kty, crv, x, y }, message, signature) {
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, ALGORITHM, false, ["verify"]);
  return crypto.subtle.verify(ALGORITHM, key, signature, message);
}

/** The octets of base64url text (RFC 7515 section 2). */
export function octetsOf(base64url) {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
