// Finds a QR code in a picture: with the browser's own detector, else with ZXing in a worker.
//
// Hides which of the two it is; the worker and its megabyte are fetched only where they are needed.

const LONGEST_SIDE_PX = 960; // enough for 49 modules across a third of the picture
const PHOTO_SIDE_PX = 2000;
const ANSWER_TIMEOUT_MS = 8000;

/** `{read(source, {hard})}` of a video or an ImageBitmap: the text, or null where there is none. */
export async function createReader(addresses) {
  if (await hasOwnDetector()) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (source) => (await detector.detect(source))[0]?.rawValue || null;
  }
  return throughWorker(addresses);
}

async function hasOwnDetector() {
  if (!("BarcodeDetector" in self)) return false;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => []); // none, on some desktops
  return formats.includes("qr_code");
}

function throughWorker({ decoder, module, wasm }) {
  const worker = new Worker(decoder, { type: "module" });
  const asked = new Map();
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let last = 0;

  worker.postMessage({ module, wasm });
  worker.onmessage = ({ data: { id, text, error } }) => {
    if (error) asked.get(id)?.reject(new Error(error));
    else asked.get(id)?.resolve(text);
  };
  worker.onerror = (event) => {
    for (const { reject } of asked.values()) reject(new Error(event.message || "the decoder did not start"));
  };

  return async (source, { hard = false } = {}) => {
    const image = pixels(source, hard ? PHOTO_SIDE_PX : LONGEST_SIDE_PX);
    const id = ++last;
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        asked.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new Error("the decoder does not answer")), ANSWER_TIMEOUT_MS);
        worker.postMessage({ id, image, hard }, [image.data.buffer]);
      });
    } finally {
      clearTimeout(timer);
      asked.delete(id);
    }
  };

  function pixels(source, side) {
    const width = source.videoWidth ?? source.width;
    const height = source.videoHeight ?? source.height;
    const scale = Math.min(1, side / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }
}
