// What makes pages quicker. Every page works without this file.
(() => {
  "use strict";
  const script = document.currentScript;
  const $ = (query, root = document) => root.querySelector(query);
  const $$ = (query, root = document) => Array.from(root.querySelectorAll(query));
  const words = document.body ? document.body.dataset : {};
  const elder = () => document.documentElement.dataset.mode === "elder";

  // ---- a form kept to be opened off line is one person's: it goes on the page of anybody else ----
  try {
    const keeps = words.keeps || "";
    if (localStorage.getItem("keeps") && localStorage.getItem("keeps") !== keeps) caches.delete("yimen-offline");
    localStorage.setItem("keeps", keeps);
  } catch { /* private window: nothing is kept */ }

  // ---- saying what changed ----
  function say(text) {
    const live = $("#live");
    if (!live || !text) return;
    live.textContent = "";
    setTimeout(() => { live.textContent = text; }, 50);
  }

  // ---- a number that copies ----
  async function copy(button) {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = document.createElement("textarea");
      field.value = text;
      field.className = "visually-hidden";
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    const label = $("span", button);
    const before = label.textContent;
    label.textContent = words.sayCopied;
    say(words.sayCopied);
    setTimeout(() => { label.textContent = before; }, 2000);
  }

  // ---- where it happened: asked of the device only when the button is pressed ----
  function locate(button) {
    const form = button.closest("form");
    const note = $("p", button.parentElement);
    const done = (text) => { note.textContent = text; };
    navigator.geolocation.getCurrentPosition((found) => {
      form.elements.longitude.value = found.coords.longitude.toFixed(6);
      form.elements.latitude.value = found.coords.latitude.toFixed(6);
      done(button.dataset.sayFound);
    }, () => done(button.dataset.sayNone), { enableHighAccuracy: true, timeout: 10000 });
  }
  function offerPosition() {
    for (const part of $$("[data-position]")) part.hidden = !navigator.geolocation;
  }

  // ---- passwords: shown when asked, and how far a new one is from the rules ----
  const KINDS = [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{Ll}\p{Lu}\p{Nd}]/u];
  function weigh(input) {
    const list = $(`[data-rules="${input.id}"]`);
    if (!list) return;
    const text = input.value.trim().normalize("NFKC");
    const length = Array.from(text).length;
    const kinds = KINDS.filter((kind) => kind.test(text)).length;
    let missing = 0;
    for (const rule of $$("[data-rule]", list)) {
      const n = Number(rule.dataset.n);
      const met = rule.dataset.rule === "length" ? length >= n : rule.dataset.rule === "kinds" && kinds >= n;
      $(".mark", rule).hidden = !met;
      if (rule.dataset.rule === "length") missing = Math.max(0, n - length);
    }
    const note = $(`[data-strength="${input.id}"]`);
    const said = missing ? note.dataset.sayShort.replace("{n}", missing) : note.dataset.sayEnough;
    note.textContent = text ? said : "";
  }
  function reveal(button) {
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  }

  // ---- photos: listed, made smaller on the device ----
  const LONGEST = 1600;
  async function shrink(file) {
    if (!/^image\/(jpeg|png|webp)$/.test(file.type) || !window.createImageBitmap) return file;
    try {
      const picture = await createImageBitmap(file);
      const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
      if (scale === 1 && file.size < 1_000_000) return file;
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
      if (!blob || blob.size >= file.size) return file;
      return new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" });
    } catch {
      return file; // the server says what is wrong with it
    }
  }
  const kept = new WeakMap();
  async function chosen(input) {
    if (!window.DataTransfer) return;
    const files = Array.from(input.files);
    if (!input.multiple && !files.length) return; // what was chosen before stays
    const before = input.multiple ? kept.get(input) || [] : [];
    const whole = "original" in input.dataset; // with what the camera wrote
    keep(input, before.concat(whole ? files : await Promise.all(files.map(shrink))));
  }
  function keep(input, files) {
    const transfer = new DataTransfer();
    files.forEach((file) => transfer.items.add(file));
    input.files = transfer.files;
    kept.set(input, files);
    const list = document.getElementById(input.dataset.upload);
    if (!list) return;
    list.hidden = !files.length;
    list.replaceChildren(...files.map((file, at) => {
      const item = document.createElement("li");
      const name = document.createElement("span");
      name.className = "name";
      name.textContent = file.name;
      const state = document.createElement("span");
      state.textContent = words.sayReady;
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "link-button";
      remove.textContent = words.sayRemove;
      const which = document.createElement("span");
      which.className = "visually-hidden";
      which.textContent = " " + file.name;
      remove.append(which);
      remove.addEventListener("click", () => {
        keep(input, files.filter((_, other) => other !== at));
        input.focus();
      });
      item.append(name, state, remove);
      return item;
    }));
  }

  // ---- forms: sent once, with progress ----
  function busy(form, on) {
    for (const button of $$("button:not([type=button])", form)) {
      if (on) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
    form.toggleAttribute("data-busy", on);
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.hasAttribute("data-busy")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    busy(form, true);
    say(words.saySending);
  }, true);
  window.addEventListener("pageshow", () => $$("form[data-busy]").forEach((form) => busy(form, false)));

  // ---- drafts: kept on leaving a field ----
  async function keepDraft(form) {
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
    try {
      const answer = await fetch(form.dataset.draft, { method: "POST", body, headers: { accept: "application/json" }, keepalive: true });
      const note = $("[data-draft-said]", form);
      if (note) note.textContent = answer.ok ? words.sayDraft : "";
    } catch { /* no network: what was typed is still on the page */ }
  }

  document.addEventListener("htmx:xhr:progress", (event) => {
    const box = $("[data-progress]", event.target);
    const { loaded, total } = event.detail;
    if (!box || !total) return;
    const percent = Math.round((100 * loaded) / total);
    box.hidden = false;
    $("progress", box).value = percent;
    const text = `${words.sayUploaded} ${Math.floor(percent / 10) * 10}%`;
    const label = $("span", box);
    if (label.textContent !== text) { label.textContent = text; say(text); }
  });

  // ---- htmx: failures, focus, what changed ----
  function problem(retry) {
    const strip = $("#problem");
    const row = document.createElement("div");
    row.className = "wrap";
    const text = document.createElement("p");
    text.textContent = words.sayBroken;
    row.append(text);
    if (retry) {
      const again = document.createElement("button");
      again.type = "button";
      again.className = "button compact";
      again.textContent = words.sayAgain;
      again.addEventListener("click", () => { strip.replaceChildren(); retry(); });
      row.append(again);
    }
    strip.replaceChildren(row);
  }
  const repeat = (element) => () => {
    if (element.matches("form")) element.requestSubmit();
    else element.click();
  };
  document.addEventListener("htmx:beforeRequest", () => document.documentElement.classList.add("is-loading"));
  document.addEventListener("htmx:afterRequest", (event) => {
    document.documentElement.classList.remove("is-loading");
    const form = event.target.closest && event.target.closest("form");
    if (form) busy(form, false);
    const box = form && $("[data-progress]", form);
    if (box) box.hidden = true;
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => problem(repeat(event.detail.elt)));
  }
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status >= 500) problem(repeat(event.detail.elt));
  });
  let firstNew = null;
  let chosenMeanwhile = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const asked = event.detail.requestConfig && event.detail.requestConfig.elt;
    firstNew = asked && asked.hasAttribute("data-append") ? event.detail.target.lastElementChild : null;
    $("#problem").replaceChildren();
    const part = asked && asked.dataset.refused; // what is typed beside a refused form stays as it is
    if (part && event.detail.xhr.status === 422 && $(part)) {
      event.detail.target = $(part);
      event.detail.selectOverride = part;
    }
    const choice = $("input[type=radio][form]:checked", event.detail.target); // of a form beside it
    chosenMeanwhile = choice && choice.id;
  });
  document.addEventListener("htmx:afterSwap", () => {
    const choice = chosenMeanwhile && document.getElementById(chosenMeanwhile);
    if (choice) choice.checked = true; // the answer knows what was chosen as it was asked
    chosenMeanwhile = null;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const part = event.target;
    const summary = $(".error-summary", part);
    const marked = $("[data-focus]", part);
    const said = $("[data-said]", part);
    const named = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (firstNew) {
      const next = firstNew.nextElementSibling;
      const link = next && $("a, button", next);
      if (link) link.focus();
      firstNew = null;
    } else if (summary) summary.focus();
    else if (marked) marked.focus();
    else if (named && part.contains(named)) named.focus();
    else if (document.activeElement === document.body || !document.activeElement) {
      const main = $("#main");
      if (main) main.focus({ preventScroll: true });
    }
    if (said) say(said.dataset.said);
    else {
      const count = $("[data-say]", part);
      if (count) say(count.textContent);
    }
    begin(part);
  });

  // ---- single-key shortcuts: staff, standard mode, pointer: fine; one switch in Me ----
  const GO = { h: "/", w: "/work", a: "/apps", m: "/messages" };
  let pending = 0;
  function rows() { return $$("[data-row-link]"); }
  function move(step) {
    const all = rows();
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + step))];
    if (next) next.focus();
  }
  function off() {
    try { return localStorage.getItem("shortcuts") === "off"; } catch { return false; }
  }
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.altKey || event.metaKey) return;
    const typing = event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
    if (event.ctrlKey) {
      const form = event.target.matches("input, textarea, select") && event.target.form;
      const main = form && $("[data-submit]", form);
      if (event.key === "Enter" && main) form.requestSubmit(main);
      return;
    }
    if (event.key === "Escape" && typing && typing.closest("[data-leave]")) typing.blur(); // the keys work again
    if (typing || elder() || off() || !("shortcuts" in document.body.dataset)) return;
    if (Date.now() - pending < 1500 && GO[event.key]) { location.assign(GO[event.key]); return; }
    pending = 0;
    switch (event.key) {
      case "/": { const box = $$("[data-search]").find((field) => field.offsetParent); if (box) { box.focus(); event.preventDefault(); } break; }
      case "g": pending = Date.now(); break;
      case "j": move(1); break;
      case "k": move(-1); break;
      case "?": location.assign("/me#shortcuts"); break;
      default: { const act = $(`[data-key="${CSS.escape(event.key)}"]`); if (act) { event.preventDefault(); act.click(); } }
    }
  });

  // ---- charts: near the screen, from their own table ----
  let charts = null;
  function load(source) {
    return new Promise((done, failed) => {
      const element = document.createElement("script");
      element.src = source;
      element.onload = done;
      element.onerror = failed;
      document.head.append(element);
    });
  }
  function draw(figure) {
    charts = charts || load(script.dataset.charts).then(() => load(script.dataset.chartsOwn));
    charts.then(() => window.yimenChart(figure)).catch(() => figure.classList.remove("waiting"));
  }

  // ---- passkeys: their script comes with the first form that one signs ----
  let passkeys = null;
  function offerPasskeys() {
    const forms = $$("[data-passkey]");
    if (!forms.length) return;
    passkeys = passkeys || load(script.dataset.passkeys);
    passkeys.then(() => forms.forEach(window.yimenPasskey)).catch(() => { passkeys = null; });
  }

  function begin(root) {
    $$("[data-copy], [data-print], [data-reveal]", root).forEach((part) => { part.hidden = false; });
    const figures = $$("[data-chart]", root).filter((figure) => !figure.classList.contains("drawn"));
    if (!figures.length) return;
    if (!("IntersectionObserver" in window)) { figures.forEach(draw); return; }
    const watch = new IntersectionObserver((seen) => {
      for (const entry of seen) if (entry.isIntersecting) { watch.unobserve(entry.target); draw(entry.target); }
    }, { rootMargin: "200px" });
    figures.forEach((figure) => { figure.classList.add("waiting"); watch.observe(figure); });
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    if (event.target.closest("[data-print] button")) window.print();
    const shown = event.target.closest("[data-reveal]");
    if (shown) reveal(shown);
    const here = event.target.closest("[data-position] button");
    if (here) locate(here);
    const shortcuts = event.target.closest("[data-shortcuts-switch]");
    if (shortcuts) { try { localStorage.setItem("shortcuts", shortcuts.checked ? "on" : "off"); } catch { /* private window */ } }
  });
  document.addEventListener("input", (event) => weigh(event.target));
  document.addEventListener("yimen:clear", (event) => keep(event.target, []));
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (event.target.matches("[data-upload]")) chosen(event.target);
    else if (form && form.dataset.draft && !form.hasAttribute("data-busy")) keepDraft(form);
  });
  document.addEventListener("htmx:afterSettle", () => { offerPosition(); offerPasskeys(); });
  offerPosition();
  offerPasskeys();
  const summary = $(".error-summary");
  if (summary) summary.focus();
  const toggle = $("[data-shortcuts-switch]");
  if (toggle) toggle.checked = !off();
  begin(document);
})();
