// The signing page asks every two seconds where the signature stands and shows the new page when that has changed.
// Everything it shows came from the server; without it, "durumu yenileyin" does the same.
const WAIT_MS = 2_000;
const SOON_S = 120;
const page = document.querySelector("[data-signing]");
const live = document.querySelector("[data-live]");

setTimeout(() => { live.textContent = page.querySelector("h1").textContent; }, 300);

async function look() {
  try {
    const answer = await fetch(page.dataset.stateUrl, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) return location.reload();
    if (answer.ok) {
      const facts = await answer.json();
      if (facts.url && facts.url !== location.pathname) return location.assign(facts.url);
      if (facts.state !== page.dataset.state || String(facts.held) !== page.dataset.held
          || String(facts.claimed ?? false) !== page.dataset.claimed) return location.reload();
    }
  } catch {
    // the network is away for a moment; the next look will tell
  }
  setTimeout(look, WAIT_MS);
}

if (page.dataset.stateUrl) setTimeout(look, WAIT_MS);

const countdown = page.querySelector("[data-countdown]");
if (countdown) {
  const until = Date.parse(countdown.dataset.countdown);
  const offset = Date.parse(page.dataset.now) - Date.now(); // the server's clock decides
  let wasTold = false;
  const tick = setInterval(() => {
    const seconds = Math.max(0, Math.round((until - Date.now() - offset) / 1000));
    const minutes = Math.floor(seconds / 60);
    const rest = `${seconds % 60} ${page.dataset.second}`;
    countdown.textContent = minutes ? `${minutes} ${page.dataset.minute} ${rest}` : rest;
    if (seconds <= SOON_S && seconds > 0 && !wasTold) {
      wasTold = true;
      live.textContent = page.dataset.soon;
    }
    if (!seconds) clearInterval(tick);
  }, 1000);
}

for (const button of page.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(page.querySelector("[data-code]").textContent);
    live.textContent = button.dataset.copied;
    button.textContent = button.dataset.copied;
  });
}
