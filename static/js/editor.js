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
