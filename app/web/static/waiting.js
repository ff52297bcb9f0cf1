// Asks now and then how far something has come, and goes on by itself when it has moved.
//
// Without this script the page has a button that does the same.

const PERIOD_MS = 2000;
const place = document.querySelector("[data-step-address]");
const form = document.getElementById("go-on");

async function look() {
  try {
    const answer = await fetch(place.dataset.stepAddress, {
      headers: { Accept: "application/json" },
      cache: "no-store",
      redirect: "manual",
    });
    if (answer.ok) {
      const { step } = await answer.json();
      if (step !== place.dataset.step) {
        go();
        return;
      }
    } else if (answer.type === "opaqueredirect" || answer.status === 401) {
      go();
      return;
    }
  } catch (error) {
    console.info("no answer:", error.message); // a phone on the way between two networks
  }
  setTimeout(look, PERIOD_MS);
}

function go() {
  if (form) form.requestSubmit();
  else location.assign(place.dataset.next);
}

setTimeout(look, PERIOD_MS);
