// Coming back from the signer: the token stands in the fragment, which no request carries. It goes into the form and out
// of the address at once; nothing is sent before the button is pressed.
const found = /^#([0-9a-f]{64})$/.exec(location.hash);

if (found) {
  history.replaceState(null, "", location.pathname);
  document.querySelector("[data-finish] [name=isaret]").value = found[1];
  document.querySelector("[data-begin]").hidden = true;
  const finish = document.querySelector("[data-finish]");
  finish.hidden = false;
  document.title = finish.querySelector("h1").textContent + document.title.slice(document.title.lastIndexOf(" · "));
}
