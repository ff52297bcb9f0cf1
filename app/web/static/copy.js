// The button that copies a code; without this script the code is there to be selected.

const button = document.getElementById("copy");

button.hidden = !navigator.clipboard;
button.addEventListener("click", async () => {
  await navigator.clipboard.writeText(document.getElementById("code").textContent);
  document.getElementById("copied").textContent = button.dataset.copied;
});
