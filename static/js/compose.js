// Autosave: ten seconds after a change the form goes to the draft's save address, files left out. Focus never moves;
// "Kaydedildi 14:32" is shown in its place and said once, politely. A draft that does not exist yet is made by the
// first save, and a press on a button waits for it, so that one text never becomes two drafts.
const WAIT_MS = 10_000;
const form = document.querySelector("form[data-compose]");
const live = document.querySelector("[data-live]");
const line = form.querySelector("[data-saved-line]");

let timer = 0;
let isDirty = false;
let underWay = null;

function say(text) {
  if (live.textContent !== text) live.textContent = text;
}

function show(text) {
  line.hidden = false;
  line.querySelector("span").textContent = text;
  say(text);
}

async function send() {
  isDirty = false;
  const body = new FormData(form);
  body.delete("files");
  body.set("action", "save");
  let answer;
  try {
    answer = await fetch(form.dataset.saveUrl, {
      method: "POST",
      body,
      redirect: "manual",
      keepalive: document.visibilityState === "hidden",
      headers: { Accept: "application/json", "X-Requested-With": "fetch" },
    });
  } catch {
    isDirty = true;
    show(form.dataset.unsaved);
    schedule();
    return;
  }
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
    isDirty = true;
    show(form.dataset.ended);
    return;
  }
  const facts = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : {};
  if (!answer.ok) {
    show(facts.message ?? form.dataset.unsaved);
    return;
  }
  if (facts.save_url) form.dataset.saveUrl = facts.save_url;
  if (facts.compose_url) {
    form.setAttribute("action", facts.compose_url); // form.action is the buttons of that name
    history.replaceState(null, "", facts.compose_url);
  }
  show(`${form.dataset.saved} ${facts.saved}`);
}

function save() {
  clearTimeout(timer);
  timer = 0;
  if (!underWay) {
    underWay = send().finally(() => {
      underWay = null;
      if (isDirty) schedule();
    });
  }
  return underWay;
}

function schedule() {
  if (!timer) timer = setTimeout(save, WAIT_MS);
}

form.addEventListener("input", (event) => {
  if (event.target.type === "file") return;
  isDirty = true;
  schedule();
});

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && isDirty && !form.dataset.sent) save();
});

// Before forms.js: this listener is on the capture path.
form.addEventListener("submit", (event) => {
  clearTimeout(timer);
  if (!underWay) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const button = event.submitter;
  underWay.then(() => form.requestSubmit(button));
}, { capture: true });

form.querySelector("[data-upload]").addEventListener("change", (event) => {
  if (event.target.files.length) form.requestSubmit(form.querySelector("button[value='save']"));
});
