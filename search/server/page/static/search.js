// What the page can do besides links and forms. Every state has an address that the server knows.
const $ = (id) => document.getElementById(id);
const form = $("ask");
const box = $("q");
const WAIT_MS = 150;
let running = null;

const answer = () => $("answer");
const hits = () => [...document.querySelectorAll("#answer .hit")];
const say = (text) => { $("live").textContent = text; };

function parse(html) {
  const node = new DOMParser().parseFromString(html, "text/html").getElementById("answer");
  for (const one of node?.querySelectorAll("noscript") ?? []) one.remove();
  return node;
}

// A picture is fetched when it comes near; what is far below may never be looked at.
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    for (const name of ["srcset", "src"]) {
      target.setAttribute(name, target.dataset[name]);
      target.removeAttribute(`data-${name}`);
    }
  }
}, { rootMargin: "200px" });
const watch = () => { for (const one of document.querySelectorAll("img[data-src]")) near.observe(one); };

function toUrl() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string" || !value.trim()) continue;
    if (name === "target" && value === "any") continue;
    asked.append(name, value.trim());
  }
  const query = asked.toString();
  return query ? `/?${query}` : "/";
}

// The question in the form follows the address, also after going back.
function follow(url) {
  const asked = new URL(url, location.href).searchParams;
  const words = asked.get("q") ?? "";
  if (document.activeElement !== box || box.value.trim() !== words) box.value = words;
  const target = asked.get("target") ?? "any";
  for (const one of form.elements.target) one.checked = one.value === target;
  showPicture(asked.get("upload"));
  const isHome = !["q", "upload", "like", "not"].some((name) => asked.has(name));
  document.body.classList.toggle("home", isHome);
  document.body.classList.toggle("answered", !isHome);
  document.title = words ? `${words.slice(0, 80)} · Diptych` : "Diptych";
}

function showPicture(upload) {
  const preview = $("preview");
  preview.hidden = $("drop-picture").hidden = !upload;
  $("picture").classList.toggle("holds", Boolean(upload));
  if (upload) preview.src = `/v1/uploads/${encodeURIComponent(upload)}/thumbnail?side=128`;
  else preview.removeAttribute("src");
}

function replace(node, kept) {
  answer().replaceWith(node);
  dress();
  if (node.dataset.says) say(node.dataset.says);
  if (kept === null) return;
  if (kept) node.querySelector(kept)?.focus({ preventScroll: true });
  if (document.activeElement === document.body) $("results")?.focus({ preventScroll: true });
}

function fail(sentence, retry) {
  const shown = $("broken").content.cloneNode(true);
  shown.querySelector(".sentence").textContent = sentence;
  shown.querySelector(".retry").addEventListener("click", retry);
  const place = answer();
  place.removeAttribute("aria-busy");
  place.replaceChildren(shown);
  say(sentence);
}

async function load(url, { push = true, kept = null, keepScroll = false } = {}) {
  running?.abort();
  reading?.abort();
  const own = running = new AbortController();
  const slow = setTimeout(() => {
    answer().setAttribute("aria-busy", "true");
    if (!hits().length) answer().replaceChildren($("waiting").content.cloneNode(true));
    say("Searching");
  }, WAIT_MS);
  if (push && url !== location.pathname + location.search) history.pushState(null, "", url);
  follow(url);
  try {
    const got = await fetch(url, { headers: { "X-Fragment": "answer" }, signal: own.signal });
    if (got.redirected) { location.assign(url); return; }
    const node = parse(await got.text());
    if (!node) throw new TypeError("no answer");
    replace(node, kept);
    if (!keepScroll) scrollTo({ top: 0 });
  } catch (error) {
    if (error.name === "AbortError") return;
    fail("The server does not answer. Is it still running?", () => load(url, { push: false, kept: "" }));
  } finally {
    clearTimeout(slow);
    if (running === own) running = null;
  }
}

// Which sentence of each document matched: takes longer than the search, so it comes after it.
let reading = null;
async function markSentences() {
  reading?.abort();
  if (!document.querySelector("#answer .passage")) return;
  const own = reading = new AbortController();
  try {
    const got = await fetch(location.href, { headers: { "X-Fragment": "sentences" }, signal: own.signal });
    if (!got.ok) return;
    for (const found of parse(await got.text()).querySelectorAll(".passage")) {
      document.querySelector(`#answer .passage[data-point="${CSS.escape(found.dataset.point)}"]`)?.replaceWith(found);
    }
  } catch { /* the words stay marked */ }
}

async function more(link) {
  const url = new URL(link.href);
  const asked = new URL(location.href);
  asked.searchParams.set("cursor", link.dataset.cursor);
  link.setAttribute("aria-busy", "true");
  try {
    const got = await fetch(asked, { headers: { "X-Fragment": "more" } });
    const node = got.ok ? parse(await got.text()) : null;
    if (!node) throw new TypeError("no answer");
    const fresh = [...node.querySelectorAll(".hit")];
    document.querySelector("#answer .hits").append(...fresh);
    watch();
    const next = node.querySelector(".next");
    // The link back to this very state: the server gives all that is shown, at once.
    history.replaceState(null, "", url.pathname + url.search);
    if (next) {
      const again = next.querySelector("a"); // none at the end of the list
      const grown = new URL(url);
      grown.searchParams.set("shown", String(hits().length + 24));
      if (again) again.href = grown.pathname + grown.search;
      document.querySelector("#answer .next").replaceWith(next);
    } else document.querySelector("#answer .next").remove();
    fresh[0]?.querySelector(".open")?.focus();
    say(`${fresh.length} more results`);
  } catch {
    link.removeAttribute("aria-busy");
    link.textContent = "The server does not answer. Try again";
    say(link.textContent);
  }
}

async function upload(file) {
  if (!file.type.startsWith("image/")) { fail("That is no image. Drop a photograph.", () => $("file").click()); return; }
  answer().setAttribute("aria-busy", "true");
  say("Sending the photograph");
  const sent = new FormData();
  sent.append("image", file);
  try {
    const got = await fetch("/v1/uploads", { method: "POST", body: sent });
    const said = await got.json();
    if (!got.ok) { fail(said.detail ?? "The photograph was refused.", () => upload(file)); return; }
    const asked = new URL(toUrl(), location.href);
    asked.searchParams.set("upload", said.id);
    await load(asked.pathname + asked.search);
  } catch {
    fail("The server does not answer. Is it still running?", () => upload(file));
  }
}

// Once for every answer.
function dress() {
  watch();
  const scores = $("scores");
  if (!scores) return;
  markSentences();
  scores.checked = read("scores") === "1";
  scores.addEventListener("change", () => keep("scores", scores.checked ? "1" : ""));
  const filters = $("filters");
  if (filters) {
    if (read("filters") === "1") filters.open = true;
    filters.addEventListener("toggle", () => keep("filters", filters.open ? "1" : ""));
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  load(toUrl(), { kept: null });
});
addEventListener("change", (event) => {
  const changed = event.target;
  if (changed.form !== form || changed === box) return;
  if (changed.name === "target" && toUrl() === "/") return;
  if (changed.name === "target" && !answer().dataset.count) return;
  if (changed.name === "sort") load(toUrl(), { keepScroll: true, kept: "[name=sort]" });
  if (changed.type === "radio" || changed.type === "checkbox") {
    const name = CSS.escape(changed.name), value = CSS.escape(changed.value);
    load(toUrl(), { keepScroll: true, kept: changed.type === "checkbox" ? `[name="${name}"][value="${value}"]` : null });
  }
});
addEventListener("click", (event) => {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("a");
  if (!link) return;
  if (link.id === "more") { event.preventDefault(); more(link); return; }
  if (!link.classList.contains("go-to")) return;
  event.preventDefault();
  const point = link.closest(".hit")?.dataset.point;
  load(link.pathname + link.search, { kept: point ? `.hit[data-point="${CSS.escape(point)}"] .open` : "" });
});
addEventListener("popstate", () => load(location.pathname + location.search, { push: false }));

addEventListener("keydown", (event) => {
  // Escape also ends a composition of characters, and closes a list: these are no wish to leave.
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.matches("select")) return;
  const typing = event.target.matches("input[type=search], input[type=text], textarea");
  if (event.key === "/" && !typing) { event.preventDefault(); box.focus(); box.select(); return; }
  if (event.key === "Escape") { clear(); return; }
  if (event.key === "ArrowDown" && event.target === box) { event.preventDefault(); step(null, 1); return; }
  if (typing) return;
  const hit = event.target.closest?.(".hit");
  if (!hit) return;
  const acts = { "+": ".plus", "=": ".plus", "-": ".minus", "−": ".minus" };
  if (event.key in acts) { event.preventDefault(); hit.querySelector(acts[event.key])?.click(); }
  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  if (event.key in steps) { event.preventDefault(); step(hit, steps[event.key]); }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); climb(hit, event.key === "ArrowDown" ? 1 : -1); }
});

function clear() {
  if (document.activeElement === box && box.value) { box.value = ""; return; }
  if (location.search) load("/");
  box.focus();
}

function step(from, by) {
  const all = hits();
  const next = all[from ? all.indexOf(from) + by : 0];
  if (next) next.querySelector(".open").focus();
  else if (by < 0) box.focus();
}

// To the nearest hit of the row above or below, in the same panel where there is one.
function climb(from, by) {
  const here = from.getBoundingClientRect();
  const far = (one) => {
    const there = one.getBoundingClientRect();
    const down = (there.top - here.top) * by;
    return down < 8 ? Infinity : down + 2 * Math.abs(there.left - here.left);
  };
  const best = hits().map((one) => [far(one), one]).sort((a, b) => a[0] - b[0])[0];
  if (best && best[0] < Infinity) best[1].querySelector(".open").focus();
  else if (by < 0) box.focus();
}

// A photograph: chosen, dropped or pasted.
$("file").addEventListener("change", (event) => { const [file] = event.target.files; event.target.value = ""; if (file) upload(file); });
$("drop-picture").addEventListener("click", () => {
  const asked = new URL(toUrl(), location.href);
  asked.searchParams.delete("upload");
  load(asked.pathname + asked.search);
});
addEventListener("paste", (event) => {
  const [file] = event.clipboardData?.files ?? [];
  if (file) { event.preventDefault(); upload(file); }
});
let depth = 0;
const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => { if (holdsFile(event)) { depth += 1; $("curtain").hidden = false; } });
addEventListener("dragleave", (event) => { if (holdsFile(event) && --depth <= 0) { depth = 0; $("curtain").hidden = true; } });
addEventListener("dragover", (event) => { if (holdsFile(event)) event.preventDefault(); });
addEventListener("drop", (event) => {
  if (!holdsFile(event)) return;
  event.preventDefault();
  depth = 0;
  $("curtain").hidden = true;
  const [file] = event.dataTransfer.files;
  if (file) upload(file);
});

$("preview").addEventListener("error", () => showPicture(null));

follow(location.href);
dress();
