// What the browser adds to pages that work without it: live regions, filters, copy, theme, keys, confirmations.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const html = document.documentElement;
html.dataset.js = "";

// --- bring one tree to look like another, leaving alone what the person is using ---

const inUse = node => node.matches?.(":popover-open, dialog[open], details[open] > .menu") ||
  (node === document.activeElement && node.matches("input, textarea, select"));

export function morph(from, to) {
  if (from.nodeName !== to.nodeName || (from.id || "") !== (to.id || "")) return from.replaceWith(to.cloneNode(true));
  if (from.nodeType !== Node.ELEMENT_NODE) { if (from.data !== to.data) from.data = to.data; return; }
  if (from.isEqualNode(to) || inUse(from)) return;
  const kept = from.nodeName === "DETAILS" ? ["open"] : [];
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && !kept.includes(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  morphChildren(from, to);
}

function morphChildren(from, to) {
  const byId = new Map([...from.children].filter(child => child.id).map(child => [child.id, child]));
  let here = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = wanted.id && byId.get(wanted.id);
    if (!known && (!here || wanted.id || here.id)) { from.insertBefore(wanted.cloneNode(true), here); continue; }
    if (known && known !== here) from.insertBefore(known, here);
    const node = known || here;
    here = node.nextSibling;
    morph(node, wanted);
  }
  while (here) { const next = here.nextSibling; here.remove(); here = next; }
}

// --- fetch a page and take over the one region that has the target's id ---

const etags = new WeakMap();

/** True if the region is up to date now; false leaves it as it was. */
export async function load(url, target) {
  const address = String(url), seen = etags.get(target);
  const headers = { "X-Fragment": target.id };
  if (seen?.address === address) headers["If-None-Match"] = seen.etag;
  const answer = await fetch(address, { headers, cache: "no-store" }).catch(() => null);
  if (answer?.status === 304) return true;
  if (!answer?.ok || answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(target.id);
  if (!fresh) return false;
  const etag = answer.headers.get("ETag");
  if (etag) etags.set(target, { address, etag }); else etags.delete(target);
  morphChildren(target, fresh);
  dress(target);
  return true;
}

// --- live regions: ask again every 3 seconds while somebody looks ---

async function refresh() {
  const results = await Promise.all($$("[data-live]").map(region => load(region.dataset.live, region)));
  if (!results.length) return;
  for (const sign of $$("[data-live-state]")) {
    const fresh = results.every(Boolean);
    sign.classList.toggle("stale", !fresh);
    sign.textContent = fresh ? "Live" : "Paused: no answer";
  }
}
if ($("[data-live]")) {
  const turn = () => setTimeout(async () => { if (!document.hidden) await refresh(); turn(); }, 3000);
  turn();
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
}

// --- filters: the address and the region follow what is typed ---

for (const form of $$("form[data-live-filter]")) {
  let pause;
  const target = document.getElementById(form.dataset.liveFilter);
  const apply = () => {
    const url = new URL(form.action);
    url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    history.replaceState(null, "", url);
    if (target.dataset.live) target.dataset.live = url.pathname + url.search;
    load(url, target).then(fine => fine || toast("The list could not be refreshed.", "bad"));
  };
  form.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(apply, 150); });
  form.addEventListener("submit", event => { event.preventDefault(); apply(); });
}

// --- questions that have a meaning only for some answers to the first ---

for (const every of $$("form select[name=every]")) {
  const ask = () => { for (const field of $$("[data-only]", every.form)) field.hidden = !field.dataset.only.split(" ").includes(every.value); };
  every.addEventListener("change", ask);
  ask();
}

// --- small answers in the corner ---

export function toast(text, tone = "ok") {
  const note = Object.assign(document.createElement("div"), { className: `toast ${tone}`, textContent: text });
  $("#toasts").append(note);
  setTimeout(() => note.remove(), 6000);
}
for (const button of $$("[data-dismiss]")) {
  button.hidden = false;
  button.addEventListener("click", () => button.parentElement.remove());
}

// --- ask before what cannot be taken back ---

document.addEventListener("submit", event => {
  const { target: form, submitter } = event;
  const question = submitter?.dataset.confirm || form.dataset.confirm;
  if (!question || form.dataset.sure) return;
  event.preventDefault();
  const dialog = $("#confirm"), yes = $("[value=yes]", dialog);
  $("p", dialog).textContent = question;
  yes.className = `btn ${submitter?.matches(".danger") ? "danger" : "main"}`;
  yes.textContent = submitter?.textContent.trim() || "Go on";
  dialog.returnValue = "";
  dialog.showModal();
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "yes") return submitter?.focus();
    form.dataset.sure = "1";
    form.requestSubmit(submitter);
    delete form.dataset.sure;
  }, { once: true });
});

// --- copy, theme, menus ---

document.addEventListener("click", async event => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const text = $("pre", copy.parentElement).textContent;
    await navigator.clipboard.writeText(text).then(() => toast("Copied."), () => toast("The browser does not allow copying.", "bad"));
  }
  for (const menu of $$("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});

function paint(theme) {
  if (theme === "system") delete html.dataset.theme; else html.dataset.theme = theme;
  for (const button of $$("[data-themes] button")) button.setAttribute("aria-pressed", button.value === theme);
}
document.addEventListener("submit", event => {
  if (!event.target.matches("[data-themes]")) return;
  event.preventDefault();
  const theme = event.submitter.value;
  localStorage.setItem("theme", theme);
  document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  paint(theme);
});
if ($("[data-themes]") && !document.cookie.includes("theme=") && localStorage.getItem("theme")) paint(localStorage.getItem("theme"));

// --- keys: g and a letter goes somewhere, / searches, ? helps ---

const keysOn = () => localStorage.getItem("keys") !== "off";
const help = $("#help");
let afterG = 0;

document.addEventListener("keydown", event => {
  if (event.key === "Escape") for (const menu of $$("details[data-menu][open]")) { menu.open = false; $("summary", menu).focus(); }
  if (!keysOn() || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
  const place = Date.now() - afterG < 1500 && $(`.side a[data-key="${CSS.escape(event.key)}"]`);
  afterG = event.key === "g" ? Date.now() : 0;
  if (place) return location.assign(place.href);
  const search = event.key === "/" && $("[data-search]");
  if (search) { event.preventDefault(); search.select(); search.focus(); }
  if (event.key === "?" && help) help.showModal();
});
for (const button of $$("[data-help]")) {
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
}
const choice = $("[data-keys]");
if (choice) {
  choice.checked = keysOn();
  choice.addEventListener("change", () => localStorage.setItem("keys", choice.checked ? "on" : "off"));
}

// --- times and diagrams: keep "18 minutes ago" true, start a wide diagram at its middle ---

const lead = Date.parse(html.dataset.now) - Date.now() || 0;
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function ago(moment) {
  const seconds = (Date.parse(moment) - Date.now() - lead) / 1000;
  for (const [unit, size] of UNITS) if (Math.abs(seconds) >= size - 0.5) return words.format(Math.round(seconds / size), unit);
  return seconds > 0 ? "in a moment" : "just now";
}
function dress(root) {
  for (const time of $$("time[data-ago]", root)) {
    const text = ago(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
}
for (const flow of $$(".flow")) flow.scrollLeft = (flow.scrollWidth - flow.clientWidth) / 2;
dress(document);
setInterval(() => dress(document), 30000);
