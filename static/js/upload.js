// A large file goes to the server in pieces (tus 1.0), with its progress shown: after a broken
// connection it goes on by itself, and after a reload once the same file is chosen again.
(() => {
  const form = document.querySelector("form[data-pieces]");
  const field = form?.querySelector("input[type=file]");
  if (!field || !window.tus?.isSupported) return;
  const box = document.getElementById("upload");
  const bar = box.querySelector("progress");
  const percent = box.querySelector(".meter-value");
  const state = document.getElementById("upload-state");
  const spoken = box.querySelector("[role=status]");
  const trouble = document.getElementById("upload-trouble");
  const add = form.querySelector("button[type=submit]");
  const cancel = box.querySelector("button");
  const headers = { "X-CSRFToken": form.elements.csrf_token.value };
  const PLAIN = 1_000_000; // up to here, a file goes with its form
  const SPOKEN_EACH = 20_000;
  const PAUSES = [500, 1_000, 2_000, 4_000, 8_000, 15_000, ...Array(240).fill(30_000)]; // two hours
  const AGAIN = [0, 408, 409, 423, 429, 502, 504];
  const TRIES = 6; // of what the server itself can't do: half a minute
  const described = field.getAttribute("aria-describedby") ?? "";
  let upload = null;
  let isFinishing = false;
  let failed = 0;
  let lastSpoken = 0;

  const megabytes = (bytes) => `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: bytes < 1e7 ? 1 : 0 })} MB`;

  function say(text, { now = true } = {}) {
    state.textContent = text;
    if (!now && Date.now() - lastSpoken < SPOKEN_EACH) return;
    lastSpoken = Date.now();
    spoken.textContent = text;
  }

  function show(sent, total) {
    bar.value = Math.floor((100 * sent) / total);
    percent.textContent = `${bar.value}%`;
    say(`${megabytes(sent)} of ${megabytes(total)} sent.`, { now: false });
  }

  function stop(text = "", { isFault = true } = {}) {
    upload = null;
    isFinishing = false;
    field.disabled = add.disabled = false;
    blame(isFault ? text : "");
    field.focus(); // before the button that has the focus is hidden
    box.hidden = true;
  }

  function blame(text) {
    trouble.textContent = text;
    const about = `${described} ${text ? trouble.id : ""}`.trim();
    if (about) field.setAttribute("aria-describedby", about);
    else field.removeAttribute("aria-describedby");
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  // What the server says is JSON; of a proxy's page only the status is told.
  function said(body) {
    try {
      return JSON.parse(body) ?? {};
    } catch {
      return {};
    }
  }

  function told(body, status) {
    if (status === 401) return "You've been signed out. Sign in again and choose the same file: the upload continues where it stopped.";
    return said(body).detail ?? `The server didn't accept the file (error ${status}). Try again: the upload continues where it stopped.`;
  }

  // Who is away or busy may be so for hours. What the server itself can't do is told soon: its
  // disk may be full, and somebody has to act.
  function goesOn(status, body) {
    const { code, detail } = said(body);
    const isAway = AGAIN.includes(status) || (status === 503 && (!detail || code === "busy"));
    if (!isAway && (status < 500 || ++failed >= TRIES)) return false;
    if (detail && status !== 409) say(detail);
    else if (!isAway) say(`The server has a problem (error ${status}). Trying again…`);
    else if (status !== 409) say(`The connection was lost. The ${isFinishing ? "check" : "upload"} will continue by itself once it's back.`);
    return true;
  }

  // What the server hasn't any more, the browser needn't remember.
  async function forgetGone(sending, status, body) {
    const isGone = status < 300 || status === 404 || (status === 422 && said(body).code !== "no_room");
    if (!isGone || !sending.url) return;
    for (const { urlStorageKey, uploadUrl } of await sending.findPreviousUploads())
      if (uploadUrl === sending.url) await tus.defaultOptions.urlStorage.removeUpload(urlStorageKey);
  }

  // A file's name stays in nobody's browser: what is kept until an upload is whole is a sum of it.
  async function fingerprint(file, { endpoint }) {
    let sum = 17;
    for (const letter of `${form.dataset.person}/${file.name}`) sum = (Math.imul(sum, 31) + letter.codePointAt(0)) | 0;
    return `upload-${sum}-${file.size}-${file.lastModified}-${endpoint}`;
  }

  class Answered extends Error {
    constructor(response) {
      super();
      this.response = response;
    }
  }

  // Only an upload that is gone begins anew: else the client would, whatever the server answers.
  function refuseOther(request, response) {
    const status = response.getStatus();
    if (request.getMethod() === "HEAD" && status >= 400 && status !== 404) throw new Answered(response);
  }

  const answerOf = (error) => error.originalResponse ?? error.causingError?.response;

  function onShouldRetry(error) {
    const answer = answerOf(error);
    return goesOn(answer?.getStatus() ?? 0, answer?.getBody());
  }

  function onError(error) {
    const answer = answerOf(error);
    if (answer) forgetGone(upload, answer.getStatus(), answer.getBody());
    stop(answer ? told(answer.getBody(), answer.getStatus()) : "The server can't be reached. Try again: the upload continues where it stopped.");
  }

  async function finish(sending) {
    isFinishing = true;
    failed = 0;
    bar.removeAttribute("value");
    percent.textContent = "";
    say("Everything has arrived. The file is being checked…");
    for (const pause of PAUSES) {
      const body = new URLSearchParams({ name: sending.file.name });
      const answer = await fetch(`${sending.url}/finish`, { method: "POST", body, headers: { ...headers, "Tus-Resumable": "1.0.0" } }).catch(() => null);
      const text = await answer?.text().catch(() => null);
      const status = text == null ? 0 : answer.status;
      await forgetGone(sending, status || 504, text);
      if (upload && upload !== sending) return; // canceled, and another one has begun
      if (status && answer.ok) return location.assign(JSON.parse(text).address);
      if (upload !== sending) return;
      if (status === 409 || !goesOn(status, text)) return stop(told(text, status));
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (upload !== sending) return;
    }
    stop("The server can't be reached. Try again: the upload continues where it stopped.");
  }

  async function begin(file) {
    box.hidden = false;
    field.disabled = add.disabled = true;
    blame("");
    failed = 0;
    box.querySelector(".upload-name").textContent = file.name;
    lastSpoken = 0;
    show(0, file.size);
    const sending = new tus.Upload(file, {
      endpoint: form.dataset.pieces,
      chunkSize: Number(form.dataset.piece),
      retryDelays: PAUSES,
      removeFingerprintOnSuccess: false, // it isn't finished yet
      headers,
      fingerprint,
      onShouldRetry,
      onError,
      onAfterResponse: refuseOther,
      onProgress: show,
      onChunkComplete: () => (failed = 0),
      onSuccess: () => finish(sending),
    });
    upload = sending;
    cancel.focus();
    const [before] = await sending.findPreviousUploads();
    if (before) sending.resumeFromPreviousUpload(before);
    if (upload === sending) sending.start();
  }

  form.addEventListener("submit", (event) => {
    const [file] = field.files;
    if (!file || file.size <= PLAIN) return;
    event.preventDefault();
    if (!upload) begin(file);
  });
  cancel.addEventListener("click", () => {
    upload?.abort(true).catch(() => {}); // what stays on the server goes within a day
    stop("", { isFault: false });
  });
  addEventListener("online", () => upload && !isFinishing && upload.abort().then(() => upload?.start()));
})();
