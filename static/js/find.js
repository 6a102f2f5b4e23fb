// Hits under the top bar's search while one types. Without them Enter leads to the list.
(() => {
  const form = document.querySelector("[data-find]");
  if (!form) return;
  const field = form.querySelector("[type=search]");
  const said = form.querySelector("[role=status]");
  const hits = form.querySelector(".find-hits");
  let timer = 0;
  let asked = new AbortController();

  function show(list) {
    hits.replaceChildren(...(list ? [list] : []));
    said.textContent = list?.dataset.said ?? "";
  }

  async function ask() {
    asked.abort();
    asked = new AbortController();
    const q = field.value.trim();
    if (q.length < 2) return show(null);
    try {
      const answer = await fetch(`${form.dataset.find}?q=${encodeURIComponent(q)}`, {
        signal: asked.signal, headers: { "HX-Request": "true" }, redirect: "error",
      });
      const page = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
      show(page.querySelector("ul"));
    } catch {
      /* given up for a newer question, or no answer: Enter still works, and says why it does not */
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 200);
  });
  form.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && hits.firstChild) {
      event.preventDefault();
      show(null);
      field.focus();
    } else if (step && hits.firstChild) {
      event.preventDefault();
      const stops = [field, ...hits.querySelectorAll("a")];
      const at = stops.indexOf(document.activeElement);
      stops[Math.min(Math.max(at + step, 0), stops.length - 1)].focus();
    }
  });
})();
