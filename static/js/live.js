// The one live mechanism: a single poll of the page's own address keeps every [data-live]
// element true. The contract for server authors is in docs/design-system.md, 'Live pages'.
(() => {
  const bar = document.getElementById("live");
  if (!bar || !window.htmx) return;

  const url = bar.dataset.liveUrl;
  const interval = Number(bar.dataset.liveSeconds) * 1000;
  const stamp = bar.querySelector("[data-live-stamp]");
  const button = bar.querySelector("[data-live-pause]");
  const notice = document.getElementById("live-stale");
  const patience = Math.min(interval, 10_000);
  const GONE = [403, 404, 410]; // deleted, or not this person's any more: no poll will bring it back

  let etag = bar.dataset.liveEtag || null;
  let freshAt = new Date();
  let timer = 0;
  let inFlight = null; // AbortController of the poll under way: there is never a second one
  let writes = 0; // htmx requests under way: what a poll read before them would be shown too late
  let paused = false;
  let ended = false;

  // By the clocks that the foot of the page names, which change with the person's profile.
  function clock(time, options) {
    const told = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...options };
    const timeZone = document.getElementById("foot-zone")?.dataset.zone || "UTC";
    try {
      return time.toLocaleTimeString("en", { ...told, timeZone });
    } catch {
      return time.toLocaleTimeString("en", { ...told, timeZone: "UTC", timeZoneName: "short" }); // unknown to this browser
    }
  }

  function schedule(wait) {
    clearTimeout(timer);
    if (!paused && !ended && !document.hidden) timer = setTimeout(poll, wait);
  }

  async function poll() {
    clearTimeout(timer);
    if (inFlight || writes || paused || ended || document.hidden) return;
    if (!document.querySelector("[data-live]")) return end();
    const request = (inFlight = new AbortController());
    const began = Date.now();
    const timeout = setTimeout(() => request.abort("timeout"), patience);
    try {
      await ask(request.signal);
      if (!ended) fresh();
    } catch {
      // A poll that we gave up ourselves (a form went out) says nothing about the server.
      if (!request.signal.aborted || request.signal.reason === "timeout") stale();
    } finally {
      clearTimeout(timeout);
      if (inFlight === request) inFlight = null;
      schedule(Math.max(interval - (Date.now() - began), 500));
    }
  }

  async function ask(signal) {
    // An explicit If-None-Match keeps the browser's cache out of it: we see the 304 ourselves,
    // and no fragment is ever stored where the Back button would find it instead of the page.
    const shown = [...document.querySelectorAll("[data-live]")].map((part) => `${part.id}=${part.dataset.live}`);
    const headers = { "HX-Request": "true", "X-Live": shown.join(), Accept: "text/html" };
    if (etag) headers["If-None-Match"] = etag;
    const answer = await fetch(url, { headers, signal, redirect: "manual", credentials: "same-origin",
      cache: "no-store" });
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere || answer.status === 401 || answer.type === "opaqueredirect") {
      // The server sends a signed-out visitor to sign in.
      return leave(elsewhere || url, "You've been signed out. Nothing you've typed is lost: send it,"
        + " and we'll ask you to sign in first.", "Sign in");
    }
    if (GONE.includes(answer.status)) {
      // The page says in its own words what has become of it.
      return leave(url, "This page can't be used anymore. Copy what you've typed before you leave it.", "See why");
    }
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(`poll answered ${answer.status}`);
    const text = await answer.text(); // none with 204: the news is about nothing that is shown here
    if (signal.aborted) throw new Error("given up");
    await show(new DOMParser().parseFromString(text, "text/html"));
    etag = answer.headers.get("ETag");
  }

  async function show(page) {
    const focused = document.activeElement;
    for (const target of document.querySelectorAll("[data-live]")) {
      const source = target.id && page.getElementById(target.id);
      if (!source || !target.isConnected) continue; // left out of the answer: unchanged
      for (const field of source.querySelectorAll("[autofocus]")) field.removeAttribute("autofocus");
      await htmx.swap({ text: source.outerHTML, target, sourceElement: target, swap: "outerMorph" });
      const isLost = !focused.isConnected && document.activeElement === document.body;
      if (focused !== document.body && isLost && target.isConnected) {
        target.tabIndex = -1; // the focused row is gone: stay nearby instead of at the top of the page
        target.focus({ preventScroll: true });
      }
    }
  }

  function fresh() {
    freshAt = new Date();
    stamp.dateTime = freshAt.toISOString();
    stamp.textContent = clock(freshAt, { second: "2-digit" });
    bar.dataset.liveState = "fresh";
    if (notice.textContent) notice.textContent = "";
  }

  function stale() {
    bar.dataset.liveState = "stale";
    const text = `Out of date since ${clock(freshAt)}. Retrying automatically.`;
    if (notice.textContent !== text) notice.textContent = text; // said once, not at every try
  }

  // Nobody's words are taken away: with something typed the page stays, and says where to go.
  function leave(address, why, where) {
    ended = true;
    if (![...document.querySelectorAll("input, select, textarea")].some(changedByHand)) {
      return location.assign(address);
    }
    const link = document.createElement("a");
    link.href = address;
    link.target = "_blank";
    link.textContent = where;
    notice.replaceChildren(`${why} `, link);
    bar.dataset.liveState = "stale";
  }

  function end() {
    ended = true;
    bar.hidden = true;
  }

  // What the person at the keyboard has changed belongs to them until they send it.
  htmx.registerExtension("live", {
    htmx_before_morph_node: (_, { oldNode }) => !changedByHand(oldNode) && !isSeenBeforeTyping(oldNode),
  });

  // Beside typed text, a form must go on saying what it was typed over: else nobody is told
  // that somebody else has saved meanwhile (lms/enrollment/seen.py).
  function isSeenBeforeTyping(node) {
    return node instanceof HTMLInputElement && ["seen", "cover_shown"].includes(node.name) && [...(node.form?.elements ?? [])].some(changedByHand);
  }

  function changedByHand(field) {
    if (field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
    if (field instanceof HTMLSelectElement) {
      const initial = [...field.options].findIndex((option) => option.defaultSelected);
      return field === document.activeElement || field.selectedIndex !== Math.max(initial, 0);
    }
    if (!(field instanceof HTMLInputElement) || field.type === "hidden") return false;
    if (/^(checkbox|radio)$/.test(field.type)) return field.checked !== field.defaultChecked;
    return field.value !== field.defaultValue;
  }

  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    bar.dataset.liveState = paused ? "paused" : "fresh";
    if (paused) clearTimeout(timer);
    else poll();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : poll()));
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return; // back from another page, perhaps signed out since
    ended = false;
    poll();
  });
  addEventListener("online", poll);
  addEventListener("submit", () => inFlight?.abort("form"));
  addEventListener("htmx:before:request", () => {
    writes += 1;
    inFlight?.abort("form");
  });
  addEventListener("htmx:finally:request", () => {
    writes = Math.max(writes - 1, 0); // a declined hx-confirm finishes without having begun
    schedule(0);
  });

  bar.hidden = false;
  fresh();
  schedule(interval);
})();
