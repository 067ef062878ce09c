// Filing without the net: a form is kept on the device under the key it will be sent with, and
// sent once when the page is open and the net is there. It is one person's: `data-keeps` says
// whose, and nothing is kept where it says nobody's (a public computer, acting for another).
(() => {
  "use strict";
  const owner = document.body.dataset.keeps;
  if (!owner || !window.indexedDB) return;
  const DAY = 86_400_000;
  const DAYS = 14;
  const CACHE = "yimen-offline";
  const RESERVED = new Set(["_csrf", "_post", "_key"]);
  const $ = (query, root = document) => root.querySelector(query);
  const form = () => $("form[data-offline]");
  const panel = () => $("#offline");
  const word = (name, values = {}) => ((panel() || $("[data-leave]")).dataset[name] || "")
    .replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const say = (text) => { const live = $("#live"); if (live) live.textContent = text; };

  // ---- the store ----
  let opened = null;
  function database() {
    opened = opened || new Promise((done, failed) => {
      const asked = indexedDB.open("yimen", 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore("kept", { keyPath: "id" }).createIndex("owner", "owner");
      };
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
    return opened;
  }
  async function store(mode, act) {
    const transaction = (await database()).transaction("kept", mode);
    const asked = act(transaction.objectStore("kept"));
    return new Promise((done, failed) => {
      transaction.oncomplete = () => done(asked.result);
      transaction.onabort = transaction.onerror = () => failed(transaction.error);
    });
  }
  const put = (item) => store("readwrite", (kept) => kept.put(item));
  const drop = (id) => store("readwrite", (kept) => kept.delete(id));
  async function items() {
    const own = await store("readonly", (kept) => kept.index("owner").getAll(owner));
    const over = Date.now() - DAYS * DAY;
    await Promise.all(own.filter((item) => item.at < over).map((item) => drop(item.id)));
    return own.filter((item) => item.at >= over).sort((a, b) => a.at - b.at);
  }

  // ---- keeping ----
  function freshKey() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  function missing(filed) {
    const chosen = new FormData(filed);
    const lacks = (name) => !String(chosen.get(name) || "").trim();
    const fields = Array.from(filed.querySelectorAll("[aria-required]"));
    return fields.find((field) => lacks(field.name || $("input", field).name));
  }
  function unmark(filed) { // what was wrong before belongs to what is kept now
    for (const told of document.querySelectorAll("#page .error-summary")) told.remove();
    for (const told of filed.querySelectorAll(".field .error-text")) told.remove();
    for (const field of filed.querySelectorAll(".wrong")) field.classList.remove("wrong");
    for (const input of filed.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }
  async function keep(filed) {
    const data = new FormData(filed);
    const parts = Array.from(data).filter(([name, value]) => !RESERVED.has(name)
      && (typeof value === "string" || value.size || value.name));
    const main = $("input[type=text], textarea", filed);
    await put({
      id: data.get("_key"), owner, seat: data.get("_post") || "", action: filed.dataset.offline,
      title: main ? main.value.slice(0, 60) : "", at: Date.now(), parts, problem: null,
    });
    filed.reset();
    unmark(filed);
    for (const upload of filed.querySelectorAll("[data-upload]")) {
      upload.dispatchEvent(new CustomEvent("yimen:clear", { bubbles: true }));
    }
    filed.elements._key.value = freshKey();
    await show();
    say($("h2", panel()).textContent);
    panel().scrollIntoView();
  }
  const kept = (filed) => keep(filed).catch(() => { note(filed, word("full")); });
  function note(filed, text) {
    const line = $("[data-offline-said]", filed);
    line.textContent = text;
    say(text);
  }
  window.addEventListener("submit", (event) => { // before the others on the way down
    const filed = event.target;
    if (navigator.onLine || !filed.matches("form[data-offline]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const lacking = missing(filed);
    note(filed, lacking ? word("lacking") : "");
    if (lacking) (lacking.name ? lacking : $("input", lacking)).focus();
    else kept(filed);
  }, true);
  function unanswered(event) {
    const filed = event.detail.elt;
    if (!filed.matches || !filed.matches("form[data-offline]")) return;
    if (event.detail.xhr && event.detail.xhr.status && event.detail.xhr.status < 500) return;
    $("#problem").replaceChildren();
    kept(filed);
  }
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(name, unanswered);
  }
  document.addEventListener("htmx:beforeRequest", (event) => {
    const filed = event.detail.elt;
    if (filed.matches && filed.matches("form[data-offline]")) filed.dataset.sent = filed.elements._key.value;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const asked = event.detail.requestConfig && event.detail.requestConfig.elt; // it may be gone
    const id = asked && asked.dataset.sent;
    if (id && event.detail.successful) drop(id).then(show);
  });

  // ---- sending ----
  async function session() {
    const answer = await fetch("/offline/session", { headers: { accept: "application/json" }, cache: "no-store" });
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error("later");
    const now = await answer.json();
    return now.keeps === owner ? now : null;
  }
  async function send(item) {
    const now = await session(); // it may have begun anew since
    if (!now) return "sign-in";
    const body = new FormData();
    body.append("_csrf", now.csrf);
    if (item.seat) body.append("_post", item.seat);
    body.append("_key", item.id);
    for (const [name, value] of item.parts) {
      if (typeof value === "string") body.append(name, value);
      else body.append(name, value, value.name);
    }
    const answer = await fetch(item.action, { method: "POST", body, headers: { accept: "application/json" } });
    if (answer.ok) {
      await drop(item.id);
      const { number } = await answer.json().catch(() => ({}));
      return { number: number || "" };
    }
    if (answer.status === 401) return "sign-in";
    if (answer.status >= 500 || answer.status === 429) return "later";
    const said = await answer.json().catch(() => ({}));
    if ((said.type || "").endsWith(":form-expired")) return "later";
    const errors = (said.errors || []).map((error) => ({ field: error.field, detail: error.detail }));
    await put({ ...item, problem: { detail: said.detail || said.title || String(answer.status), errors } });
    return "refused";
  }
  async function sendAll(everything) {
    const sent = [];
    let stopped = "";
    for (const item of await items()) {
      if (item.problem && !everything) continue;
      const outcome = await send(item).catch(() => "later");
      if (outcome.number !== undefined) sent.push(outcome.number);
      else if (outcome !== "refused") { stopped = outcome; break; }
    }
    await show(sent, stopped === "sign-in");
    return stopped;
  }
  const drain = (everything) => (navigator.locks
    ? navigator.locks.request("yimen-offline", { ifAvailable: true }, (held) => held && sendAll(everything))
    : sendAll(everything));

  // ---- what is kept, shown ----
  function button(words, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button quiet";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  }
  function line(words, name = "") {
    const made = document.createElement("p");
    made.textContent = words;
    made.className = name;
    return made;
  }
  function row(item) {
    const made = document.createElement("li");
    const until = new Date(item.at + DAYS * DAY);
    const locale = document.documentElement.lang === "en" ? "en-GB" : "zh-CN";
    const date = until.toLocaleDateString(locale, { month: "long", day: "numeric" });
    made.append(line(item.title), line(word("until", { date }), "muted small"));
    for (const error of item.problem ? item.problem.errors : []) {
      const label = $(`label[for="f-${CSS.escape(error.field)}"]`);
      const field = label && label.firstChild.textContent.trim();
      made.append(line(field ? word("wrong", { field, error: error.detail }) : error.detail, "error-text"));
    }
    if (item.problem && !item.problem.errors.length) made.append(line(item.problem.detail, "error-text"));
    const acts = document.createElement("div");
    acts.className = "actions flat";
    acts.append(
      button(word("change"), () => fill(item)),
      button(word("remove"), async () => { await drop(item.id); await show(); }),
    );
    made.append(acts);
    return made;
  }
  function fill(item) {
    const filed = form();
    filed.reset();
    filed.elements._key.value = item.id;
    const files = {};
    for (const [name, value] of item.parts) {
      const field = filed.elements[name];
      if (!field) continue;
      if (typeof value !== "string") (files[name] = files[name] || new DataTransfer()).items.add(value);
      else if (field.type === "checkbox") field.checked = true;
      else field.value = value; // of a group too: the choice of that value
    }
    for (const [name, transfer] of Object.entries(files)) {
      const field = filed.elements[name];
      field.dispatchEvent(new CustomEvent("yimen:clear", { bubbles: true }));
      field.files = transfer.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
    const first = $("input:not([type=hidden]), select, textarea", filed);
    if (first) first.focus();
  }
  async function show(sent = [], signIn = false) {
    const box = panel();
    if (!box) return;
    const own = await items();
    box.hidden = !own.length && !sent.length;
    $("h2", box).textContent = own.length ? word("kept", { n: own.length }) : word("none");
    $("ul", box).replaceChildren(...own.map(row));
    $("[data-send]", box).hidden = !own.length;
    const said = sent.map((number) => word("sent", { number }));
    if (signIn) said.push(word("signIn"));
    $("[data-outcome]", box).replaceChildren(...said.map((text) => line(text)));
    if (said.length) say(said.join(" "));
  }

  // ---- the page itself, for when there is no net ----
  async function shelter() {
    const filed = form();
    if (!filed || !navigator.onLine || !navigator.serviceWorker || !window.caches) return;
    const scope = filed.dataset.offline;
    await navigator.serviceWorker.register("/offline-worker.js", { scope });
    const shell = await fetch(`${scope}/shell`, { headers: { accept: "text/html" }, cache: "no-store" });
    if (!shell.ok || shell.redirected) return;
    const cache = await caches.open(CACHE);
    const assets = filed.dataset.offlineAssets.split(" ");
    await cache.addAll(assets);
    await cache.put(scope, shell);
    const wanted = new Set([scope, ...assets]);
    for (const request of await cache.keys()) {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith("/assets/") && !wanted.has(pathname)) await cache.delete(request);
    }
    document.documentElement.dataset.sheltered = "yes";
  }

  // ---- leaving with something unsent: ask ----
  async function leaving(event) {
    const out = event.target;
    const box = $("[data-leave]");
    if (!box || !out.matches("form[action='/sign-out']") || out.dataset.asked) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const own = await items().catch(() => []);
    const go = () => { out.dataset.asked = "yes"; out.requestSubmit(); };
    if (!own.length) { go(); return; }
    $("p", box).textContent = word("ask", { n: own.length });
    $("[data-leave-send]", box).onclick = async () => {
      const stopped = await drain(true);
      const left = (await items()).length;
      if (left || stopped) $("p", box).textContent = word("ask", { n: left });
      else go();
    };
    $("[data-leave-keep]", box).onclick = go;
    $("[data-leave-drop]", box).onclick = async () => {
      await Promise.all(own.map((item) => drop(item.id)));
      go();
    };
    box.hidden = false;
    $("button", box).focus();
  }
  window.addEventListener("submit", leaving, true);

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-send]")) drain(true);
  });
  document.addEventListener("htmx:afterSettle", () => show());
  window.addEventListener("online", () => { if (panel()) drain(false); });
  if (form()) {
    form().elements._key.value = freshKey(); // a page that was kept is opened many times
    show().then(() => { if (navigator.onLine) drain(false); });
    shelter().catch(() => { /* no room or no worker: the page opens with the net alone */ });
  }
})();
