// The preview beside a chapter's text follows what one types. Without this script a button shows it.
(() => {
  const form = document.getElementById("editor");
  const field = form.elements.body;
  const trouble = document.querySelector(".preview-trouble");
  const PAUSE = 400;
  let timer = 0;
  let asked = new AbortController();

  async function ask() {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    const sent = new URLSearchParams({ title: "-", body: field.value, csrf_token: form.elements.csrf_token.value });
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: sent, signal, redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const shown = page.getElementById("preview-text");
      if (!shown) throw new Error(`the preview answered ${answer.status}`);
      document.getElementById("preview-text").replaceWith(shown);
      trouble.textContent = "";
    } catch {
      if (!signal.aborted) trouble.textContent = "The preview is out of date. Press Preview to try again.";
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });

  // Put a line where the cursor is, as if it had been typed: it can be undone.
  function insert(line) {
    // Not into a picture's brackets, where the cursor waits for what it shows.
    for (const found of field.value.matchAll(/!\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)/g)) {
      const end = found.index + found[0].length;
      if (found.index < field.selectionStart && field.selectionStart < end) field.setSelectionRange(end, end);
    }
    const before = field.value.slice(0, field.selectionStart);
    field.focus();
    const text = `${/(^|\n)$/.test(before) ? "" : "\n"}${line}\n`;
    if (!document.execCommand("insertText", false, text)) {
      field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    // What the picture shows is still to be said.
    const brackets = text.indexOf("![]");
    if (brackets >= 0) {
      const inside = field.selectionEnd - text.length + brackets + 2;
      field.setSelectionRange(inside, inside);
    }
  }
  document.addEventListener("editor:insert", ({ detail }) => insert(detail));

  form.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-insert]");
    if (button) insert(button.dataset.insert);
  });

  // A link in the preview must not take away what has been typed.
  document.getElementById("preview").addEventListener("click", ({ target }) => {
    const link = target.closest("a[href]");
    if (link && !link.getAttribute("href").startsWith("#")) link.target = "_blank";
  });
})();

// Drop, paste or choose a file while writing a chapter: it is uploaded, and its line inserted.
// Without this script the course's page of files does the same, and its lines can be typed.
(() => {
  const form = document.getElementById("editor");
  const field = form.elements.body;
  const dialog = document.getElementById("uploading");
  const part = (name) => dialog.querySelector(`[data-upload-${name}]`);
  const asked = [...dialog.querySelectorAll("[data-upload-words]")];
  let words = null; // the field that asks for them, if any
  const captions = document.getElementById("captions-uploaded");
  let file = null;
  let sent = null; // the request under way

  const show = () => {
    for (const hidden of document.querySelectorAll("#picker [data-scripted]")) hidden.hidden = false;
  };

  function offer(chosen) {
    if (!chosen || dialog.open) return;
    file = chosen;
    part("name").textContent = file.name;
    const [kind] = file.type.split("/");
    for (const each of asked) each.hidden = !each.dataset.uploadWords.split(" ").includes(kind);
    words = asked.find((each) => !each.hidden)?.querySelector("input");
    if (words) words.value = "";
    say("", "");
    dialog.showModal();
  }

  function say(state, problem) {
    if (!state) sent = null;
    part("state").textContent = state;
    part("error").textContent = problem;
    part("error").hidden = !problem;
    dialog.querySelector("[value=upload]").disabled = Boolean(state);
  }

  function upload() {
    const body = new FormData();
    body.append("csrf_token", form.elements.csrf_token.value);
    body.append("file", file);
    const request = (sent = new XMLHttpRequest()); // fetch says nothing of how far it is
    request.open("POST", form.dataset.upload);
    request.responseType = "document";
    request.upload.onprogress = ({ loaded, total }) => {
      if (sent === request) say(`${Math.floor((100 * loaded) / total)}% uploaded`, "");
    };
    request.onload = () => {
      if (sent === request) added(request).catch(() => say("", "Couldn't reach the server. Try again."));
    };
    request.onerror = () => {
      if (sent === request) say("", "Couldn't reach the server. Try again.");
    };
    say("0% uploaded", "");
    request.send(body);
  }

  // The server leads to the page of a picture or a film, which asks what it shows, to that of
  // captions, which asks whose they are, or to the list of files.
  async function added({ status, response, responseURL }) {
    if (status !== 200) {
      const told = response?.querySelector(".field-error") ?? response?.querySelector(".error-page .lead");
      return say("", told?.textContent.trim() || `That didn't work (error ${status}). Try again.`);
    }
    const about = response.querySelector("form:has([name=alt])");
    if (about && words?.value.trim()) {
      const said = new FormData(about);
      said.set("alt", words.value);
      await fetch(responseURL, { method: "POST", body: said });
    }
    const rows = [...response.querySelectorAll("tr[id^=file-]")];
    const row = rows.find((each) => each.querySelector("a").textContent.trim() === file.name) ?? rows[0];
    const id = responseURL.match(/\/files\/(\d+)$/)?.[1] ?? row?.id.slice("file-".length);
    const picker = await refresh();
    const line = picker.querySelector(`[data-file="${id}"]`)?.dataset.insert;
    dialog.close();
    if (line) document.dispatchEvent(new CustomEvent("editor:insert", { detail: line }));
  }

  async function refresh() {
    const picker = (await remind()).getElementById("picker");
    picker.open = document.getElementById("picker").open;
    document.getElementById("picker").replaceWith(picker);
    show();
    return picker;
  }

  // Show which captions still lack a video, and return the page that says so.
  async function remind() {
    const answer = await fetch(form.dataset.picker);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const said = page.getElementById("captions-uploaded");
    if (said.innerHTML !== captions.innerHTML) captions.replaceChildren(...said.childNodes); // else it is read aloud again
    return page;
  }

  // It may have been chosen in another tab.
  addEventListener("focus", () => captions.childElementCount && remind().catch(() => {}));

  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!sent) upload();
  });
  part("cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    const request = sent;
    sent = null;
    request?.abort();
    field.focus();
  });

  // Text that comes with a picture of itself, as from a word processor, stays text.
  field.addEventListener("paste", (event) => {
    const [pasted] = event.clipboardData.files;
    if (!pasted || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    offer(pasted);
  });
  field.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  field.addEventListener("drop", (event) => {
    const [dropped] = event.dataTransfer.files;
    if (!dropped) return;
    event.preventDefault();
    offer(dropped);
  });
  form.addEventListener("change", ({ target }) => {
    if (!target.matches("#picker input[type=file]")) return;
    offer(target.files[0]);
    target.value = "";
  });
  show();
})();
