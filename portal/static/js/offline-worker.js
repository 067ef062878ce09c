// Opens one form without the net: the form's own page and the assets it names, as `offline.js`
// keeps them, and nothing else. What is filed is never kept here and never sent from here.
"use strict";
const CACHE = "yimen-offline";
const FORM = new URL(self.registration.scope).pathname;
const PATIENCE = 4000; // a net that does not answer in so many milliseconds is none

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function kept(key) {
  return (await caches.open(CACHE)).match(key);
}

async function page(request) {
  const asked = fetch(request);
  const waited = new Promise((_, failed) => { setTimeout(failed, PATIENCE, new Error("no answer")); });
  try {
    return await Promise.race([asked, waited]);
  } catch {
    return (await kept(FORM)) || asked;
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname === FORM) event.respondWith(page(request));
  else if (url.pathname.startsWith("/assets/")) {
    event.respondWith(kept(url.pathname).then((found) => found || fetch(request)));
  }
});
