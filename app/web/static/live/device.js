// This device's own key, and proofs made with it (DPoP, RFC 9449).
//
// The private key cannot be read, not even by this script; it lies in IndexedDB. When the browser
// forgets it, the device counts as another one and the holder says so with one press.

import { inside } from "./store.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };

let kept = null;

/** A signed statement that this device sends one request; nonce is what the service said last. */
export async function prove(method, address, nonce) {
  kept ??= await deviceKey();
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", kept.publicKey);
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const iat = Math.floor(Date.now() / 1000);
  const claims = { jti: crypto.randomUUID(), htm: method, htu: address, iat, nonce };
  const signed = `${part(header)}.${part(claims)}`;
  const how = { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(how, kept.privateKey, new TextEncoder().encode(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

/** The key of this device, made when there is none; of two windows the first one makes it. */
async function deviceKey() {
  const fresh = await crypto.subtle.generateKey(CURVE, false, ["sign"]);
  const found = await inside(["keys"], "readwrite", ({ keys }) => {
    const asked = keys.get("device");
    asked.onsuccess = () => asked.result ?? keys.put(fresh, "device");
    return asked;
  });
  return found ?? fresh;
}

const part = (content) => base64url(new TextEncoder().encode(JSON.stringify(content)));

function base64url(octets) {
  const text = btoa(String.fromCharCode(...octets));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
