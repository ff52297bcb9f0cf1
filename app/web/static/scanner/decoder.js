// Compiled in a worker of its own, so that a slow phone still shows its camera smoothly.
//
// Served apart from the other scripts: its answer alone carries the permission to compile
// WebAssembly, which the page that holds the till key does not get. See docs/decisions/0020.

let zxing = null;

self.onmessage = async ({ data }) => {
  const { id } = data;
  try {
    const result = data.module ? await load(data) : await read(data);
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};

async function load({ module, wasm }) {
  zxing = await import(module);
  await zxing.prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });
}

/** The text of a code in an ImageData, null where there is none; `hard` looks longer. */
async function read({ image, hard }) {
  const options = { formats: ["QRCode"], maxNumberOfSymbols: 1, tryHarder: hard, tryInvert: hard };
  const [found] = await zxing.readBarcodes(image, options);
  return found?.text ?? null;
}
