// Comfort that every page does without: menus that close, double clicks that decide once, 'select
// all' with a count, a question before text is lost, and a visible message when a form sent by htmx gets no usable answer.
(() => {
  const menus = () => document.querySelectorAll("details[data-menu][open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  });

  // What is left of a double click does nothing: after the first one, a button about somebody else
  // may lie under the pointer.
  let pressed = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[type=submit]");
    if (event.detail > 1 && (pressed || button)) {
      event.preventDefault();
      event.stopPropagation();
    } else {
      pressed = Boolean(button);
    }
  }, true);

  const boxes = (name) => [...document.querySelectorAll(`input[type=checkbox][name="${name}"]`)];
  const count = () => {
    for (const all of document.querySelectorAll("[data-select-all]")) {
      const rows = boxes(all.dataset.selectAll);
      const ticked = rows.filter((box) => box.checked).length;
      all.closest("label").hidden = rows.length === 0;
      all.checked = ticked > 0 && ticked === rows.length;
      all.indeterminate = ticked > 0 && ticked < rows.length;
      for (const output of document.querySelectorAll(`[data-count="${all.dataset.selectAll}"]`)) {
        output.textContent = ticked ? `${ticked} selected` : "None selected";
      }
    }
  };
  document.addEventListener("change", ({ target }) => {
    const name = target.dataset?.selectAll;
    if (name) for (const box of boxes(name)) box.checked = target.checked;
    if (name || target.type === "checkbox") count();
  });
  for (const event of ["DOMContentLoaded", "htmx:after:swap", "pageshow"]) {
    addEventListener(event, count);
  }

  // What the answer to a question doesn't need is neither shown nor sent; a fault stays in sight.
  const fit = () => {
    for (const question of document.querySelectorAll("[data-choice]")) {
      const answer = question.querySelector("input:checked")?.value;
      for (const part of question.closest("form").querySelectorAll("[data-needs]")) {
        part.hidden = !part.dataset.needs.split(" ").includes(answer) && !part.querySelector(".field-error");
        for (const field of part.querySelectorAll("[data-off]")) field.disabled = part.hidden;
      }
    }
  };
  document.addEventListener("change", ({ target }) => target.closest("[data-choice]") && fit());
  for (const event of ["DOMContentLoaded", "htmx:after:swap", "pageshow"]) addEventListener(event, fit);

  // A form takes only its own fields along: what is typed into another one would be lost in silence.
  const TYPED = "textarea, input:is([type=text], [type=email], [type=number], [type=tel], [type=url])";
  const holdsText = (form) => form.getAttribute("method") === "post" // a field may be called method
    && [...form.elements].some((field) => field.matches(TYPED) && field.value !== field.defaultValue);
  addEventListener("submit", (event) => {
    const { target } = event;
    if (event.defaultPrevented || target.getAttribute("method") === "dialog") return;
    if (![...document.forms].some((form) => form !== target && holdsText(form))) return;
    if (!confirm("What you've typed elsewhere on this page isn't saved, and will be lost. Continue?")) event.preventDefault();
  });

  // Who types is there, though their page asks for nothing: they must not be signed out meanwhile.
  const session = document.currentScript.dataset.session;
  let noted = Date.now();
  document.addEventListener("input", () => {
    if (Date.now() - noted < 300_000) return;
    noted = Date.now();
    fetch(session, { cache: "no-store" }).catch(() => {}); // without an answer, nothing is noted
  });

  // What scrolls sideways in a chapter must be reachable by keyboard.
  addEventListener("DOMContentLoaded", () => {
    for (const box of document.querySelectorAll(".prose :is(pre, table)")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  });

  const failed = (text) => {
    const box = document.createElement("div");
    box.className = "callout callout-danger";
    box.setAttribute("role", "alert");
    box.textContent = text;
    document.getElementById("flashes")?.replaceChildren(box);
    box.scrollIntoView({ block: "nearest" });
  };
  addEventListener("htmx:error", () => {
    failed("Couldn't reach the server. Check your connection and try again.");
  });
  // Only at the very end: the refusal's own page, which has no messages, is swapped into ours first.
  addEventListener("htmx:finally:request", ({ detail }) => {
    const answer = detail.ctx?.response;
    if (!(answer?.status >= 400) || answer.headers.get("HX-Redirect")) return;
    if (document.getElementById("viewing")) return failed("You're viewing the portal as a student. Nothing can be changed.");
    failed(`That didn't work (error ${answer.status}). Reload the page and try again.`);
  });
})();
