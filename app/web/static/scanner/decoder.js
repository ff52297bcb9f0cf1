// Compiled in a worker of its own, so that a slow phone still shows its camera smoothly.
//
// Served apart from the other scripts: its answer alone carries the permission to compile
// WebAssembly, which the page that holds the till key does not get. See docs/decisions/0020.

let reader = null;

self.onmessage = async ({ data }) => {
  if (data.module) {
    reader = load(data);
    return;
  }
  const { id, image, hard } = data;
  try {
    const { readBarcodes } = await reader;
    const options = { formats: ["QRCode"], maxNumberOfSymbols: 1, tryHarder: hard, tryInvert: hard };
    const [found] = await readBarcodes(image, options);
    self.postMessage({ id, text: found?.text ?? null });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};

async function load({ module, wasm }) {
  const zxing = await import(module);
  zxing.prepareZXingModule({ overrides: { locateFile: () => wasm } });
  return zxing;
}
