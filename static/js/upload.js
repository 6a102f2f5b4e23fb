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
  const AGAIN = [0, 408, 409, 423, 429];
  let upload = null;
  let lastSpoken = 0;

  const megabytes = (bytes) => `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: bytes < 1e7 ? 1 : 0 })} MB`;
  const isPassing = (status) => AGAIN.includes(status) || status >= 500;

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
    box.hidden = true;
    field.disabled = add.disabled = false;
    trouble.textContent = isFault ? text : "";
    field.toggleAttribute("aria-invalid", false);
    if (isFault && text) field.setAttribute("aria-invalid", "true");
    field.focus();
  }

  // What the server says is JSON; of a proxy's page only the status is told.
  function told(body, status) {
    if (status === 401) return "Your sign-in has ended. Sign in again and choose the same file: what has arrived isn't sent twice.";
    try {
      return JSON.parse(body).detail;
    } catch {
      return `The server didn't take the file (error ${status}). Try again: what has arrived isn't sent twice.`;
    }
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
    if (!isPassing(answerOf(error)?.getStatus() ?? 0)) return false;
    say("The connection is lost. The upload goes on by itself once it's back.");
    return true;
  }

  function onError(error) {
    const answer = answerOf(error);
    stop(answer ? told(answer.getBody(), answer.getStatus()) : "The server can't be reached. Try again: what has arrived isn't sent twice.");
  }

  async function finish(file, address) {
    cancel.hidden = true;
    bar.removeAttribute("value");
    percent.textContent = "";
    say("Everything has arrived. The file is being checked…");
    for (const pause of PAUSES) {
      const body = new URLSearchParams({ name: file.name });
      const answer = await fetch(`${address}/finish`, { method: "POST", body, headers: { ...headers, "Tus-Resumable": "1.0.0" } }).catch(() => null);
      const text = await answer?.text().catch(() => null);
      if (answer?.ok && text) return location.assign(JSON.parse(text).address);
      if (answer && !isPassing(answer.status)) return stop(told(text, answer.status));
      if (answer?.status !== 503) say("The connection is lost. The check goes on by itself once it's back.");
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    stop("The server can't be reached. Try again: what has arrived isn't sent twice.");
  }

  async function begin(file) {
    box.hidden = false;
    cancel.hidden = false;
    field.disabled = add.disabled = true;
    trouble.textContent = "";
    box.querySelector(".upload-name").textContent = file.name;
    lastSpoken = 0;
    show(0, file.size);
    const sending = new tus.Upload(file, {
      endpoint: form.dataset.pieces,
      chunkSize: Number(form.dataset.piece),
      retryDelays: PAUSES,
      removeFingerprintOnSuccess: true,
      headers,
      fingerprint,
      onShouldRetry,
      onError,
      onAfterResponse: refuseOther,
      onProgress: show,
      onSuccess: () => finish(file, sending.url),
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
  addEventListener("online", () => upload && !cancel.hidden && upload.abort().then(() => upload?.start()));
})();
