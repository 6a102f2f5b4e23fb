// Passkeys: between the button of a form marked `data-passkey` and the form that is sent, the
// browser's own dialog. The page offers it only where this script runs and the browser knows how.
(() => {
  const known = navigator.credentials && window.PublicKeyCredential?.parseCreationOptionsFromJSON;

  async function answer(form) {
    const asked = await fetch(form.dataset.passkey, { headers: { Accept: "application/json" }, redirect: "error" });
    if (!asked.ok) throw new Error("This page is too old. Reload it and try again.");
    const { options, state } = await asked.json();
    const credential = form.dataset.passkeyMakes
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    form.querySelector("[data-passkey-credential]").value = JSON.stringify(credential.toJSON());
    form.querySelector("[data-passkey-state]").value = state;
  }

  const words = {
    InvalidStateError: "This device or key already has one of your passkeys. Use a different device or key.",
    NotAllowedError: "No passkey was used. Try again, or use another method.",
    SecurityError: "Passkeys don't work at this address. Use another method.",
    other: "The passkey couldn't be used. Reload the page and try again.",
  };
  const wordsOfMaking = {
    ...words,
    NotAllowedError: "No passkey was added. Try again, or use an authenticator app.",
    SecurityError: "Passkeys don't work at this address. Use an authenticator app.",
    other: "The passkey couldn't be added. Reload the page and try again.",
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!known) continue;
    form.querySelector("[data-passkey-offer]").hidden = false;
    form.querySelector("[data-passkey-missing]")?.remove();
    const failed = form.querySelector("[data-passkey-failed]");
    let busy = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy) return;
      busy = true;
      failed.hidden = true;
      try {
        await answer(form);
        form.submit();
      } catch (error) {
        const said = form.dataset.passkeyMakes ? wordsOfMaking : words;
        failed.textContent = said[error.name] ?? said.other;
        failed.hidden = false;
      }
      busy = false;
    });
  }
})();
