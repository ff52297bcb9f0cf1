// The controls around the camera: on and off, light, zoom, and a photo where there is no camera.

import { Camera } from "./camera.js";
import { createReader } from "./reader.js";
import { showCamera } from "./view.js";

const element = (id) => document.getElementById(id);
const TROUBLES = { NotAllowedError: "refused", NotFoundError: "none" };

export class Lens {
  #addresses;
  #onCode;
  #camera = null;
  #reader = null; // a promise of the function that finds codes in pictures
  #isWanted = false;

  /** `addresses` are those of reader.js; `onCode(text)` hears of codes, `onNoCode()` of a photo without one. */
  constructor(addresses, onCode, onNoCode) {
    this.#addresses = addresses;
    this.#onCode = onCode;
    element("start").addEventListener("click", () => this.#start());
    element("stop").addEventListener("click", () => this.stop());
    element("torch").addEventListener("click", ({ currentTarget }) => this.#light(currentTarget));
    element("zoom").addEventListener("input", ({ target }) => this.#camera.set({ zoom: Number(target.value) }));
    element("photo").addEventListener("change", async ({ target }) => {
      const [file] = target.files;
      target.value = "";
      if (!file) return;
      const text = await this.#inPhoto(file);
      if (text) onCode(text);
      else onNoCode();
    });
    document.addEventListener("visibilitychange", () => this.#follow());
  }

  /** Start where the person allowed it before: a till without a camera is never asked for one. */
  async offer() {
    if (await isAllowed()) await this.#start();
    else showCamera({ isOn: false });
  }

  stop() {
    this.#isWanted = false;
    this.#camera?.stop();
    showCamera({ isOn: false });
  }

  /** See `Camera.next`. */
  next() {
    this.#camera?.next();
  }

  async #start() {
    this.#isWanted = true;
    try {
      if (!navigator.mediaDevices) throw new DOMException("no secure context", "NotFoundError");
      this.#camera ??= new Camera(element("video"), await this.#read(), this.#onCode);
      await this.#camera.start();
      showCamera({ isOn: true, ...this.#camera.abilities });
      await keepScreenOn();
    } catch (error) {
      console.info("no camera:", error.name, error.message);
      this.#camera?.stop();
      showCamera({ isOn: false, trouble: TROUBLES[error.name] ?? "failed" });
    }
  }

  // Out of sight the camera and its light go off.
  #follow() {
    if (document.visibilityState !== "visible") this.#camera?.stop();
    else if (this.#isWanted) this.#start();
  }

  async #light(button) {
    const torch = button.ariaPressed !== "true";
    button.ariaPressed = String(torch);
    await this.#camera.set({ torch });
  }

  async #inPhoto(file) {
    try {
      const [read, picture] = await Promise.all([this.#read(), createImageBitmap(file)]);
      return await read(picture, { hard: true });
    } catch (error) {
      console.info("no picture:", error.message);
      return null;
    }
  }

  #read() {
    this.#reader ??= createReader(this.#addresses).catch((error) => {
      this.#reader = null; // the next press tries again
      throw error;
    });
    return this.#reader;
  }
}

async function isAllowed() {
  try {
    return (await navigator.permissions.query({ name: "camera" })).state === "granted";
  } catch {
    return false; // a browser that does not tell; a press of the button asks
  }
}

async function keepScreenOn() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch (error) {
    console.info("the screen may go dark:", error.message); // a phone saving its battery says no
  }
}
