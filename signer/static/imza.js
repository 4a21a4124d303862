// The page of the desktop signer. It draws what the program says and sends what the person presses; it decides
// nothing. All words go into text nodes. Nothing is sent before a click, except for a tab that reloads in the
// middle of its own operation and asks where it stands.

const START = document.querySelector('meta[name="baslangic"]').content;
const PAGE_TITLE = "İmza programı";
const TITLES = {
  bos: "İmza programı",
  acildi: "Sertifikanızı seçin",
  hazir: "İletiyi inceleyin ve imzalayın",
  imzalandi: "İmzalandı",
  iptal: "İmzalama iptal edildi",
  suresi_doldu: "İmzalamanın süresi doldu",
  olmadi: "İmza atılmadı",
};
const OF_MESSAGE = {
  facts: "İmzalayacağınız ileti",
  signed: "İmzaladığınız ileti",
  hint: "Sertifikanız önce sağlayıcıya gösterilir; size aitse ileti indirilip burada gösterilir.",
  waiting: "Alıcılar, konu ve ekler sertifika seçildikten sonra, indirilen iletinin kendisinden okunur.",
  show: "İletiyi göster",
  lead: "İleti, imzaladığınız anda değişmez duruma gelir; PIN girmeden önce içeriğini okuyun.",
  sign: "İletiyi imzala",
  done: "İmzanız sağlayıcıya ulaştı. KEP sayfanız kendiliğinden ilerler; bu sekmeyi kapatabilirsiniz.",
};
const OF_REQUEST = {
  facts: "İmzalayacağınız istek",
  signed: "İmzaladığınız istek",
  hint: "Sertifikanız önce sağlayıcıya gösterilir; size aitse istek indirilip burada gösterilir.",
  waiting: "İstek, sertifika seçildikten sonra indirilir ve burada gösterilir.",
  show: "İsteği göster",
  lead: "İsteği siz başlatmadıysanız PIN girmeyin, imzalamayı iptal edin.",
  sign: "İsteği imzala",
  done: "İmzanız sağlayıcıya ulaştı. İşlem KEP sayfasında, bu tarayıcıda biter.",
};
const STEPS = ["bos", "acildi", "hazir", "imzalandi"];
const TIME = new Intl.DateTimeFormat("tr-TR", { dateStyle: "long", timeStyle: "medium", timeZone: "Europe/Istanbul" });
const DAY = new Intl.DateTimeFormat("tr-TR", { dateStyle: "long", timeZone: "Europe/Istanbul" });
const CLOCK = new Intl.DateTimeFormat("tr-TR", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const find = (id) => document.getElementById(id);

let key = sessionStorage.getItem("islem") || "";
let stage = "bos";
let answerBy = 0;
let busy = false;
let linked = "";

async function ask(path, body, type = "application/json") {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": type, "X-Imza-Baslangic": START, "X-Imza-Islem": key },
    body,
    credentials: "omit",
    redirect: "error",
  });
  if (answer.status !== 200 && answer.status !== 409) throw new Error(String(answer.status));
  return answer.json();
}

async function act(button, path, body, type) {
  if (busy) return;
  busy = true;
  const label = button?.querySelector("span") ?? button;
  const words = label?.textContent;
  if (button?.dataset.busy) {
    button.style.minWidth = `${button.offsetWidth}px`;
    button.setAttribute("aria-busy", "true");
    label.textContent = button.dataset.busy;
  }
  try {
    const state = await ask(path, body, type);
    if (state.key) {
      key = state.key;
      sessionStorage.setItem("islem", key);
    }
    draw(state, true);
    if (state.stage === "imzalandi" && state.return_to) location.assign(state.return_to);
  } catch {
    showError("İmza programı yanıt vermiyor", { message: "Program kapanmış ya da yeniden başlatılmış olabilir. İletiniz taslakta duruyor. Programı açıp KEP sayfasından yeniden deneyin.", code: "PRG-01" });
  } finally {
    if (button?.dataset.busy) {
      button.removeAttribute("aria-busy");
      label.textContent = words;
    }
    busy = false;
  }
}

function draw(state, moved) {
  const before = stage;
  stage = state.stage;
  document.querySelector("main").dataset.stage = stage;
  const title = (state.open && state.heading) || TITLES[stage];
  find("title").textContent = title;
  drawWords(state);
  drawSteps(state);
  show("opening", stage === "bos");
  show("choosing", stage === "acildi");
  show("signing", stage === "hazir");
  show("ended", !state.open && stage !== "bos");
  show("done", stage === "imzalandi");
  show("comparison", state.open);
  [find("comparison-left").textContent, find("comparison-right").textContent] = state.comparison.split("-").concat("");
  show("facts", state.account !== "");
  drawCertificates(state.certificates);
  fill("problems", state.problems.map((text) => item(text)));
  drawFacts(state);
  answerBy = state.open ? Date.now() + state.seconds_left * 1000 : 0;
  drawTime();
  if (!state.open) {
    key = "";
    sessionStorage.removeItem("islem");
  }
  if (state.error) showError(errorTitle(), state.error);
  else show("error", false);
  document.title = state.error ? `Hata: ${PAGE_TITLE}` : title;
  if (moved && before !== stage) {
    find("live").textContent = title;
    if (!state.error) find("title").focus();
  }
}

function drawWords(state) {
  const words = state.heading ? OF_REQUEST : OF_MESSAGE;
  find("facts-title").textContent = stage === "imzalandi" ? words.signed : words.facts;
  find("choosing-hint").textContent = words.hint;
  document.querySelector("[data-waiting]").textContent = words.waiting;
  find("show-document").textContent = words.show;
  find("signing-lead").textContent = words.lead;
  find("sign-words").textContent = words.sign;
  find("done-text").textContent = words.done;
  show("meaning", state.open && Boolean(state.request));
  find("meaning").textContent = state.request?.meaning ?? "";
  show("return", stage === "imzalandi" && state.return_to !== "");
  if (state.return_to) find("return-link").href = state.return_to;
}

function errorTitle() {
  if (stage === "bos") return "İşlem açılmadı";
  return stage === "hazir" || stage === "acildi" ? "Bu adım tamamlanmadı" : "Neden ve ne yapmalı";
}

function drawSteps(state) {
  const shown = STEPS.includes(stage) ? stage : state.message || state.request ? "hazir" : state.account ? "acildi" : "bos";
  const reached = STEPS.indexOf(shown);
  document.querySelectorAll("[data-step]").forEach((step, index) => {
    step.dataset.state = index < reached || shown === "imzalandi" ? "done" : "";
    if (index === reached) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  });
}

function drawCertificates(certificates) {
  const chosen = document.querySelector('input[name="certificate"]:checked')?.value;
  const usable = certificates.filter((each) => !each.unusable);
  fill("certificates", certificates.map((each) => {
    const radio = element("input", { type: "radio", name: "certificate", value: each.id, id: `c-${each.id}` });
    radio.disabled = each.unusable !== "";
    radio.checked = !radio.disabled && (each.id === chosen || usable.length === 1);
    const label = element("label", { htmlFor: radio.id });
    label.append(
      element("span", { className: "strong", textContent: each.owner }),
      element("span", { textContent: `${DAY.format(new Date(each.not_after))} tarihine kadar geçerli` }),
      element("span", { className: "quiet", textContent: `${each.held_by}, veren: ${each.issuer}` }),
    );
    const note = each.unusable ? `Kullanılamaz: ${each.unusable}` : each.warning;
    if (note) label.append(element("span", { className: "caution", textContent: note }));
    const row = element("li", {});
    row.append(radio, label);
    return row;
  }));
  if (certificates.length === 0) fill("certificates", [item("Kart ya da sertifika dosyası bulunamadı. Kartı takıp yeniden arayın.")]);
}

function drawFacts(state) {
  const message = state.message;
  const asked = message ?? state.request;
  find("fact-origin").textContent = state.origin;
  find("fact-account").textContent = state.account;
  document.querySelectorAll("[data-message]").forEach((row) => { row.hidden = !message; });
  document.querySelectorAll("[data-request]").forEach((row) => { row.hidden = !state.request; });
  document.querySelectorAll("[data-either]").forEach((row) => { row.hidden = !asked; });
  document.querySelector("[data-waiting]").hidden = Boolean(asked);
  show("fact-request-text", Boolean(state.request?.text));
  if (!asked) return;
  find("owner").textContent = asked.owner;
  const certificate = state.certificates.find((each) => each.id === asked.certificate);
  find("warning").hidden = !certificate?.warning;
  find("warning").querySelector("span").textContent = certificate?.warning ?? "";
  find("fact-digest").textContent = `${asked.digest.slice(0, 16).match(/.{4}/g).join(" ")} …`;
  find("fact-digest").title = asked.digest;
  find("fact-time").textContent = `${TIME.format(new Date(asked.signing_time))} (TSİ)`;
  if (state.request) {
    find("fact-asked").textContent = `${TIME.format(new Date(state.request.asked_at))} (TSİ)`;
    find("fact-expires").textContent = `${TIME.format(new Date(state.request.expires_at))} (TSİ) anına dek`;
    find("fact-request-text").textContent = state.request.text;
    return;
  }
  fill("fact-from", people([message.from]));
  find("fact-to-name").textContent = message.to.length === 1 ? "Alıcı" : `Alıcılar (${message.to.length})`;
  fill("fact-to", people(message.to));
  find("fact-cc-row").hidden = message.cc.length === 0;
  fill("fact-cc", people(message.cc));
  find("fact-subject").textContent = message.subject || "(konu yok)";
  find("fact-files-name").textContent = message.files.length > 1 ? `Ekler (${message.files.length})` : "Ek";
  fill("fact-files", message.files.length
    ? message.files.map((file) => element("span", { className: "line", textContent: `${file.name}, ${size(file.size)}` }))
    : [element("span", { className: "quiet", textContent: "yok" })]);
  find("fact-text").textContent = message.text + (message.text_is_cut ? "\n\n[Metnin kalanı burada gösterilmiyor.]" : "");
}

function people(list) {
  return list.flatMap((person) => [
    ...(person.name ? [element("span", { className: "line", textContent: person.name })] : []),
    element("span", { className: "line quiet code", textContent: person.address }),
  ]);
}

function drawTime() {
  const left = Math.max(0, Math.round((answerBy - Date.now()) / 1000));
  show("until", answerBy > 0);
  find("until").textContent = `Yanıtınız ${CLOCK.format(new Date(answerBy))} olana dek beklenir (${Math.floor(left / 60)} dk ${left % 60} sn).`;
}

function showError(title, error) {
  find("error-title").textContent = title;
  find("error-text").textContent = error.message;
  find("error-code").textContent = error.code;
  show("error", true);
  find("error").focus();
}

function size(bytes) {
  const number = (value) => value.toLocaleString("tr-TR", { maximumFractionDigits: 1 });
  if (bytes < 1000) return `${bytes} bayt`;
  return bytes < 1e6 ? `${number(bytes / 1e3)} kB` : `${number(bytes / 1e6)} MB`;
}

function element(name, properties) { return Object.assign(document.createElement(name), properties); }
function item(text) { return element("li", { textContent: text }); }
function fill(id, children) { find(id).replaceChildren(...children); }
function show(id, visible) { find(id).hidden = !visible; }

function takeFragment() {
  const fragment = decodeURIComponent(location.hash.slice(1));
  if (!fragment) return;
  history.replaceState(null, "", "/");
  const found = /^([0-9A-Za-z-]{12,30})(?:@(https?:\/\/[^\s]{1,250}))?$/.exec(fragment);
  if (!found || stage !== "bos") return;
  linked = found[1];
  find("code").value = linked;
  if (!found[2]) return;
  const origin = find("origin");
  if (![...origin.options].some((option) => option.value === found[2])) {
    origin.replaceChildren(element("option", { textContent: found[2] }));
  }
  origin.value = found[2];
}

find("opening").addEventListener("submit", (event) => {
  event.preventDefault();
  const path = linked && find("code").value === linked ? "/islem/baglanti" : "/islem/ac";
  act(event.submitter, path, JSON.stringify({ code: find("code").value, origin: find("origin").value }));
});
find("choosing").addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = document.querySelector('input[name="certificate"]:checked');
  if (chosen) act(event.submitter, "/islem/sertifika", JSON.stringify({ certificate: chosen.value }));
  else showError("Sertifika seçilmedi", { message: "Listeden imzalayacağınız sertifikayı seçin.", code: "PRG-02" });
});
find("signing").addEventListener("submit", (event) => {
  event.preventDefault();
  const pin = new TextEncoder().encode(find("pin").value);
  find("pin").value = "";
  act(event.submitter, "/islem/imzala", pin, "application/octet-stream").finally(() => pin.fill(0));
});
find("again").addEventListener("click", (event) => act(event.currentTarget, "/islem/sertifikalar", "{}"));
document.querySelectorAll("[data-cancel]").forEach((button) => {
  button.addEventListener("click", () => act(button, "/islem/iptal", "{}"));
});
find("restart").addEventListener("click", () => {
  find("code").value = "";
  linked = "";
  draw({ stage: "bos", open: false, seconds_left: 0, origin: "", account: "", comparison: "", certificates: [], problems: [], heading: "", message: null, request: null, return_to: "", error: null }, true);
});
addEventListener("hashchange", takeFragment);
setInterval(() => {
  if (!answerBy) return;
  drawTime();
  if (Date.now() > answerBy + 500 && !busy) act(null, "/islem/durum", "{}");
}, 1000);

takeFragment();
if (key) act(null, "/islem/durum", "{}");
