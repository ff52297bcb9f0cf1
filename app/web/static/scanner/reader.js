// Finds a QR code in a picture: with the browser's own detector, else with ZXing in a worker.
//
// Hides which of the two it is; the worker and its megabyte are fetched only where they are needed.

const LONGEST_SIDE_PX = 960; // enough for 49 modules across a third of the picture
const PHOTO_SIDE_PX = 2000;
const START_TIMEOUT_MS = 60_000; // a megabyte over a poor line
const ANSWER_TIMEOUT_MS = 8000;

/** A function of a video or an ImageBitmap that promises the text of its code, or null. */
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

async function throughWorker({ decoder, module, wasm }) {
  const ask = questions(new Worker(decoder, { type: "module" }));
  await ask({ module, wasm }, [], START_TIMEOUT_MS);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });

  return (source, { hard = false } = {}) => {
    const width = source.videoWidth ?? source.width;
    const height = source.videoHeight ?? source.height;
    const scale = Math.min(1, (hard ? PHOTO_SIDE_PX : LONGEST_SIDE_PX) / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    const image = context.getImageData(0, 0, canvas.width, canvas.height);
    return ask({ image, hard }, [image.data.buffer], ANSWER_TIMEOUT_MS);
  };
}

/** A function that asks a worker and promises its answer to that very question. */
function questions(worker) {
  const open = new Map();
  let last = 0;

  worker.onmessage = ({ data: { id, result, error } }) => {
    if (error) open.get(id)?.reject(new Error(error));
    else open.get(id)?.resolve(result);
  };
  worker.onerror = ({ message }) => {
    for (const { reject } of open.values()) reject(new Error(message || "the decoder did not start"));
  };

  return async (question, transferred, patienceMs) => {
    const id = ++last;
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        open.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new Error("the decoder does not answer")), patienceMs);
        worker.postMessage({ id, ...question }, transferred);
      });
    } finally {
      clearTimeout(timer);
      open.delete(id);
    }
  };
}
