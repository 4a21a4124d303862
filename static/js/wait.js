// A file that the sealing worker still makes: asks every two seconds and lets the browser fetch it once it is there.
// Without this, the link on the page does the same.
const WAIT_MS = 2_000;
const page = document.querySelector("[data-wait-for]");
const live = document.querySelector("[data-live]");

async function look() {
  const ending = new AbortController();
  try {
    const answer = await fetch(page.dataset.waitFor, { redirect: "manual", signal: ending.signal });
    ending.abort(); // only the status is wanted here; the file itself goes to the browser
    if (answer.status === 200) {
      live.textContent = page.dataset.ready;
      location.assign(page.dataset.waitFor);
      return;
    }
    if (answer.status !== 202) return;
  } catch {
    // the network is away for a moment; the next look will tell
  }
  setTimeout(look, WAIT_MS);
}

setTimeout(look, WAIT_MS);
