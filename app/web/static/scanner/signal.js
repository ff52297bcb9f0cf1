// A verdict for ear and hand, for staff who look at the person and not at the screen.

// Hertz and seconds, one tone after the other; each verdict is told apart without its pitch too.
const TONES = {
  ok: [[880, 0.09], [1320, 0.14]],
  care: [[880, 0.09], [0, 0.06], [880, 0.09], [0, 0.06], [880, 0.09]],
  stop: [[220, 0.45]],
  grey: [[440, 0.12]],
};
const SHAKES_MS = { ok: [80], care: [80, 60, 80, 60, 80], stop: [400], grey: [40] };
const LOUDNESS = 0.2;

let audio = null;

/** Give the signs of a tone of words.js that are wanted: `{sound, vibration}`. */
export function signal(tone, { sound, vibration }) {
  if (vibration) navigator.vibrate?.(SHAKES_MS[tone]);
  if (sound) play(TONES[tone]);
}

function play(tones) {
  audio ??= new AudioContext();
  audio.resume();
  let at = audio.currentTime;
  for (const [hertz, seconds] of tones) {
    if (hertz) {
      const oscillator = new OscillatorNode(audio, { frequency: hertz });
      const gain = new GainNode(audio, { gain: LOUDNESS });
      gain.gain.setTargetAtTime(0, at + seconds * 0.7, seconds * 0.1); // no click at the end
      oscillator.connect(gain).connect(audio.destination);
      oscillator.start(at);
      oscillator.stop(at + seconds);
    }
    at += seconds;
  }
}
