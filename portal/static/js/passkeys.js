// Passkeys, loaded by a page that asks for one: asks the browser to make one or to sign with one, then sends the form as any other.
// Without this file, or on a browser without passkeys, the form's own words say what else helps.
(() => {
  "use strict";
  const $ = (query, root) => root.querySelector(query);

  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // the options as the server writes them (WebAuthn's JSON), with bytes where the browser wants them
  function opened(options) {
    const list = (all) => (all || []).map((one) => ({ ...one, id: bytes(one.id) }));
    const read = { ...options, challenge: bytes(options.challenge) };
    if (options.user) read.user = { ...options.user, id: bytes(options.user.id) };
    read[options.user ? "excludeCredentials" : "allowCredentials"] =
      list(options.excludeCredentials || options.allowCredentials);
    return read;
  }

  function written(made) {
    const answer = made.response;
    const response = { clientDataJSON: text(answer.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (answer[name]) response[name] = text(answer[name]);
    }
    if (answer.getTransports) response.transports = answer.getTransports();
    return JSON.stringify({
      id: made.id, rawId: text(made.rawId), type: made.type, response,
      clientExtensionResults: made.getClientExtensionResults(),
    });
  }

  async function ask(form) {
    const sent = await fetch(form.dataset.passkey, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(form.dataset.purpose ? { purpose: form.dataset.purpose } : {}),
    });
    const told = await sent.json();
    if (!sent.ok) throw new Error(told.detail || "");
    const publicKey = opened(told.publicKey);
    const made = publicKey.user
      ? await navigator.credentials.create({ publicKey })
      : await navigator.credentials.get({ publicKey });
    form.elements.passkey.value = written(made);
  }

  async function go(form, button) {
    const said = $("[data-passkey-said]", form);
    if (!form.reportValidity()) return;
    said.textContent = "";
    button.disabled = true;
    try {
      await ask(form);
      const as = $("[data-passkey-as]", form); // a choice that stands elsewhere on the page
      if (as) as.value = document.getElementById(as.dataset.passkeyAs).checked ? "true" : "";
      button.disabled = false;
      form.submit();
    } catch (error) {
      button.disabled = false;
      const words = form.dataset;
      const known = { NotAllowedError: words.sayStopped, InvalidStateError: words.sayHeld,
        SecurityError: words.sayAddress };
      said.textContent = known[error.name] || error.message || words.sayBroken;
      button.focus();
    }
  }

  window.yimenPasskey = (form) => {
    if (!window.PublicKeyCredential || !navigator.credentials || "ready" in form.dataset) return;
    form.dataset.ready = "";
    const button = $("[data-passkey-go]", form);
    for (const part of form.querySelectorAll("[data-passkey-with]")) part.hidden = false;
    const none = $("[data-passkey-none]", form);
    if (none) none.hidden = true;
    button.addEventListener("click", (event) => { event.preventDefault(); go(form, button); });
  };
})();
