// The camera of this device: on while somebody looks at the page, and one code at a time.
//
// A code counts when it comes into view. The live card shows another code every 30 seconds, so
// what stays in view is one card however often its code changes; the next one counts after the
// picture was without a code for a moment.

const LOOK_EVERY_MS = 120;
const GONE_AFTER_MS = 1500;
const PICTURE = {
  video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } },
  audio: false,
};

export class Camera {
  #video;
  #read;
  #onCode;
  #stream = null;
  #timer = null;
  #lastSeenMs = -Infinity;
  #lastText = null;
  #isAsked = false;

  /** `onCode(text)` hears of every code that comes into view; `read` is of reader.js. */
  constructor(video, read, onCode) {
    this.#video = video;
    this.#read = read;
    this.#onCode = onCode;
  }

  get isOn() {
    return this.#stream !== null;
  }

  /** Start, asking the person if need be; rejects with the browser's DOMException. */
  async start() {
    if (this.isOn) return;
    this.#stream = await navigator.mediaDevices.getUserMedia(PICTURE);
    this.#video.srcObject = this.#stream;
    await this.#video.play();
    this.#look();
  }

  /** Let go of the camera, its light goes out. */
  stop() {
    clearTimeout(this.#timer);
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** What the lens can do: `{torch: boolean, zoom: {min, max, step} | undefined}`. */
  get abilities() {
    const { torch = false, zoom } = this.#track?.getCapabilities?.() ?? {};
    return { torch, zoom };
  }

  /** Set `{torch: true}` or `{zoom: 2}`. */
  async set(constraint) {
    await this.#track?.applyConstraints({ advanced: [constraint] });
  }

  /** Staff ask for the next card: another code counts, even if none has left the view. */
  next() {
    this.#isAsked = true;
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0];
  }

  async #look() {
    const text = this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? await this.#seen() : null;
    if (!this.isOn) return;
    if (text) this.#see(text);
    this.#timer = setTimeout(() => this.#look(), LOOK_EVERY_MS);
  }

  #see(text) {
    const wasGone = performance.now() - this.#lastSeenMs > GONE_AFTER_MS;
    const isNew = wasGone || (this.#isAsked && text !== this.#lastText);
    this.#lastSeenMs = performance.now();
    this.#lastText = text;
    this.#isAsked = false;
    if (isNew) this.#onCode(text);
  }

  async #seen() {
    try {
      return await this.#read(this.#video);
    } catch (error) {
      console.warn("a picture could not be read:", error.message);
      return null;
    }
  }
}
