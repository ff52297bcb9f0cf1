// The service as this page asks it: every answer is an object, a refusal, or silence.
//
// A hotel's log-in page, a proxy's error and a dead line are all the same here: silence.

const PATIENCE_MS = 2500; // a queue at a till waits no longer; then the check is made offline
const DOWNLOAD_MS = 30000;

/** The service did not answer, or could not do its work now. */
export class Silence extends Error {}

/** The service refused the request itself: `status`, `message` for people, `retryAfterS`. */
export class Refusal extends Error {
  constructor(status, message, retryAfterS) {
    super(message);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** Exchange a one-time code for `{till_key, till_id, till, partner}`. */
export async function enrol(code) {
  return (await ask("/api/v1/tills/enrol", { body: { code }, patienceMs: 10_000 })).json();
}

/** The verdict on a presentation. */
export async function verify(question, tillKey) {
  return (await ask("/api/v1/verifications", { body: question, tillKey })).json();
}

/** The published keys, as JWKs. */
export async function publishedKeys() {
  const answer = await ask("/.well-known/jwks.json", { cache: "no-cache", patienceMs: DOWNLOAD_MS });
  return (await answer.json()).keys;
}

/** The offline list `{jws, etag}`, or null when it is still that of `etag`; and the server's `now`. */
export async function offlineList(tillKey, etag) {
  const headers = etag ? { "If-None-Match": etag } : {};
  const answer = await ask("/api/v1/offline-list", { tillKey, headers, patienceMs: DOWNLOAD_MS });
  const now = Date.parse(answer.headers.get("Date")) / 1000 + 0.5; // the header has whole seconds
  if (answer.status === 304) return { list: null, now };
  return { list: { jws: await answer.text(), etag: answer.headers.get("ETag") }, now };
}

async function ask(path, { body, tillKey, headers = {}, cache = "no-store", patienceMs = PATIENCE_MS }) {
  const sent = { Accept: "application/json, application/jose", ...headers };
  if (tillKey) sent.Authorization = `Bearer ${tillKey}`;
  if (body) sent["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method: body ? "POST" : "GET",
      headers: sent,
      body: body && JSON.stringify(body),
      cache,
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(patienceMs),
    });
  } catch (error) {
    throw new Silence(error.message, { cause: error });
  }
  if (answer.status === 304) return answer;
  const kind = answer.headers.get("Content-Type") ?? "";
  if (answer.status >= 500 || !/^application\/(jose|([a-z.+-]+\+)?json)/.test(kind)) {
    throw new Silence(`answer ${answer.status}`);
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer) {
  const problem = await answer.json();
  const message = problem.end_user_message?.[document.documentElement.lang] ?? problem.title;
  return new Refusal(answer.status, message, Number(answer.headers.get("Retry-After")) || null);
}
