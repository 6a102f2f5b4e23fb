// Keys for admins: '/' and '?' on every page, and the queue decided without a mouse. The current row
// is the one whose checkbox has the focus: it is seen, announced and kept by morphs like any other.
(() => {
  const dialog = document.getElementById("keys");
  const form = document.getElementById("decide"); // only on the queue's page
  const reason = document.getElementById("reason");
  const hint = document.getElementById("keys-hint");
  if (!dialog) return;

  const stored = () => {
    try { return localStorage.getItem("keys"); } catch { return null; }
  };
  let on = stored() !== "off";
  let place = null; // the row that had the focus last, and which one of them it was
  let rejecting = null; // what Enter in the reason rejects: the id of a row, or "ticked"

  const rows = () => [...document.querySelectorAll("#queue tbody tr")];
  const current = () => document.activeElement.closest("#queue tbody tr");
  const ticked = () => document.querySelector("input[name=ids]:checked");

  function go(row) {
    if (!row) return;
    row.querySelector("input[name=ids]").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = rows();
    const at = all.indexOf(current() ?? document.getElementById(place?.id));
    go(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
  }

  // A second press while the first is on its way would be about a row that is leaving.
  function press(button) {
    if (button && !form.matches(".htmx-request")) button.click();
  }

  function ask(what, whom) {
    rejecting = what;
    hint.textContent = `Press Enter to reject ${whom}, or Escape to cancel.`;
    enter(reason);
  }

  function answer(accepted) {
    const row = document.getElementById(rejecting === "ticked" ? place?.id : rejecting);
    const button = rejecting === "ticked"
      ? document.querySelector("button[name=action][value=reject]")
      : row?.querySelector("[name=reject]");
    rejecting = null;
    hint.textContent = "";
    if (row) go(row);
    else reason.blur();
    if (accepted) press(button);
  }

  function find() {
    const menu = document.querySelector(".nav-toggle");
    const field = document.getElementById("find");
    if (!field.checkVisibility()) menu.open = true;
    enter(field);
  }

  function enter(field) {
    field?.focus();
    field?.select();
  }

  const everywhere = {
    "?": () => dialog.showModal(),
    "/": find,
    f: () => enter(document.getElementById("filter-q")),
  };
  const inQueue = {
    j: () => move(1),
    k: () => move(-1),
    x: () => current()?.querySelector("input[name=ids]").click(),
    a: () => press(current()?.querySelector("[name=approve]")),
    r: () => {
      const row = current();
      if (row) ask(row.id, `this request (${row.querySelector(".check-bare").textContent.replace("Select", "").trim()})`);
    },
    A: () => ticked() && press(document.querySelector("button[name=action][value=approve]")),
    R: () => ticked() && ask("ticked", "the selected requests"),
    u: () => document.querySelector("[data-undo]")?.click(),
  };
  const onRow = {
    ArrowDown: inQueue.j,
    ArrowUp: inQueue.k,
    Enter: () => current().querySelector(".cell-main a").click(),
  };

  const types = (field) =>
    field.isContentEditable ||
    field.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button])");

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.defaultPrevented || event.isComposing || dialog.open) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (rejecting && target === reason && (key === "Enter" || key === "Escape")) {
      event.preventDefault();
      return answer(key === "Enter");
    }
    const isRow = form && target.matches("#queue input[name=ids]");
    const act = (isRow && onRow[key]) || (on && !types(target) && (everywhere[key] ?? (form && inQueue[key])));
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || act === inQueue.j || act === inQueue.k) act(); // a held key decides once
  });

  document.addEventListener("focusin", () => {
    const row = form && current();
    if (row) place = { id: row.id, index: rows().indexOf(row) };
    if (rejecting && document.activeElement !== reason) {
      rejecting = null;
      hint.textContent = "";
    }
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("#queue")) place = null;
  });

  // The row has left: its successor takes the focus, unless the focus has gone elsewhere.
  addEventListener("htmx:after:swap", () => {
    if (rejecting && rejecting !== "ticked" && !document.getElementById(rejecting)) {
      rejecting = null;
      hint.textContent = "This request is no longer in the queue.";
    }
    if (!place || document.activeElement !== document.body || document.getElementById(place.id)) return;
    const left = rows();
    go(left[Math.min(place.index, left.length - 1)]);
  });

  const box = dialog.querySelector("[data-keys-on]");
  const show = () => {
    box.checked = on;
    for (const button of document.querySelectorAll("[data-keys-open]")) button.hidden = false;
    document.querySelector(".find kbd").hidden = !on;
  };
  box.addEventListener("change", () => {
    on = box.checked;
    try { localStorage.setItem("keys", on ? "on" : "off"); } catch { /* private mode: this page only */ }
    show();
  });
  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-keys-open]")) dialog.showModal();
  });
  show();
})();
