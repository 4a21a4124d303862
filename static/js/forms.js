// Small manners of pages with a form: focus goes to the error summary, a second press does nothing, paper is one press away.
document.querySelector("[data-error-summary]")?.focus();

const labels = new Map();

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "true";
    const button = event.submitter ?? form.querySelector("[data-busy]");
    if (!button?.dataset.busy) return;
    button.style.setProperty("min-width", `${button.offsetWidth}px`);
    labels.set(button, [...button.childNodes]);
    button.replaceChildren(button.dataset.busy);
    button.setAttribute("aria-busy", "true");
  });
}

// A page that comes back from the browser's memory starts afresh.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const [button, label] of labels) {
    button.removeAttribute("aria-busy");
    button.replaceChildren(...label);
  }
});

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
