// A scanner gun is a keyboard that types faster than anybody: one burst, ended by Enter or Tab.
//
// Listens to the whole page, so nobody has to put the cursor anywhere first. In a text field the
// burst is typed as usual, and the field sends it.

const BURST_MS = 150;
const SHORTEST = 6; // a person who presses a few keys in a row is no scanner

/** Call `onText` with every burst. */
export function listen(onText) {
  let text = "";
  let last = 0;

  function take(event) {
    if (event.target.matches("[type=text]")) return;
    if (event.timeStamp - last > BURST_MS) text = "";
    const isShortcut = event.ctrlKey || event.metaKey || event.altKey;
    if (event.repeat || (isShortcut && !event.getModifierState("AltGraph"))) return;
    if (event.key === "Enter" || event.key === "Tab") {
      if (text.length >= SHORTEST) {
        event.preventDefault(); // or a button in focus would be pressed, or the focus would move
        onText(text);
      }
      text = "";
    } else if (event.key.length === 1) {
      text += event.key;
      last = event.timeStamp;
    }
  }

  document.addEventListener("keydown", take);
}
