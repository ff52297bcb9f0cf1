// A certified OpenID provider (npm oidc-provider) that knows one person, for the tests.
//
// Usage: node provider.mjs '{"port", "clients", "claimsInIdToken"}'. It prints "ready" once it
// listens. Who logs in and how strongly stands in the query of the interaction page.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const { port, clients, claimsInIdToken } = JSON.parse(process.argv[2]);
const issuer = `http://localhost:${port}`;
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const person = { given_name: "An", family_name: "Van den Bossche", rrn: "84022999609" };
const means = (name) => `urn:be:vlaanderen:authmech:${name}`;

const provider = new Provider(issuer, {
  clients,
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  scopes: ["openid", "profile", "rrn"],
  claims: { openid: ["sub"], profile: ["given_name", "family_name"], rrn: ["rrn"] },
  acrValues: [means("eid"), means("itsme"), means("csampassword")],
  conformIdTokenClaims: !claimsInIdToken,
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...person }) }),
  // Nobody is asked for consent: the person agreed when registering.
  async loadExistingGrant({ oidc }) {
    const { clientId } = oidc.client;
    const grant = new provider.Grant({ clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid profile rrn");
    await grant.save();
    return grant;
  },
});

const respond = provider.callback();
createServer((request, response) => {
  const url = new URL(request.url, issuer);
  if (!url.pathname.startsWith("/interaction/")) {
    return respond(request, response);
  }
  const login = { accountId: "P1", acr: means(url.searchParams.get("means")) };
  return provider.interactionFinished(request, response, { login });
}).listen(port, "127.0.0.1", () => console.log("ready"));
