"use strict";
// The token comes behind "#", which a browser sends to no server, and stays in this tab.
const find = (selector, within = document) => within.querySelector(selector);
const given = new URLSearchParams(location.hash.slice(1)).get("token");
let token = given || sessionStorage.getItem("token") || "";
if (given) {
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname);
}
const authorization = () => (token ? { Authorization: `Bearer ${token}` } : {});
let limit = Infinity;

async function connect() {
  let answer;
  try {
    answer = await fetch("about", { headers: authorization() });
  } catch {
    find("#about").textContent = "The server cannot be reached. Is it still running?";
    return;
  }
  const about = await answer.json();
  find("#login").hidden = answer.status !== 401;
  find("#drop").hidden = !answer.ok;
  if (!answer.ok) {
    find("#about").textContent = about.error;
    return;
  }
  limit = about.file_bytes;
  const made = about.detector;
  find("#about").textContent =
    `Detector ${made.run || "without a name"}, trained on ${made.condition}, seed ${made.seed}; deepfake-adv ${about.version}`;
  find("#limit").textContent = `at most ${Math.floor(limit / 2 ** 20)} MiB`;
}

function tell(entry, text, failed = false) {
  find(".state", entry).textContent = text;
  entry.classList.toggle("failed", failed);
}

function finish(entry) {
  find("progress", entry).hidden = true;
  find(".cancel", entry).hidden = true;
}

function follow(entry, event) {
  const bar = find("progress", entry);
  if (event.state === "queued") {
    bar.removeAttribute("value");
    tell(entry, event.place > 1 ? `In the queue, ${event.place - 1} before it` : "In the queue, next");
  } else if (event.state === "scoring") {
    if (event.total) {
      bar.value = event.done / event.total;
      tell(entry, `Looking for faces: ${Math.floor((100 * event.done) / event.total)} %`);
    } else {
      bar.removeAttribute("value");
      tell(entry, "Opening the file");
    }
  } else if (event.state === "scored") {
    finish(entry);
    show(entry, event);
  } else {
    finish(entry);
    tell(entry, event.error, true);
  }
}

function show(entry, { row, page }) {
  const faces = row.faces;
  const worth = row.evidence && row.evidence.words ? `; ${row.evidence.words} (likelihood ratio ${row.evidence.lr})` : "";
  tell(entry, `Score ${row.score.toFixed(3)}${worth}; ${faces.scored} of ${faces.seen} people scored`);
  const warnings = row.warnings || [];
  for (const text of row.damage ? [`Damaged file: ${row.damage}`, ...warnings] : warnings) {
    find(".warnings", entry).append(Object.assign(document.createElement("li"), { textContent: text }));
  }
  const link = find(".download", entry);
  link.href = URL.createObjectURL(new Blob([page], { type: "text/html" }));
  link.download = `${find(".name", entry).textContent}.html`;
  link.hidden = false;
  const frame = find("iframe", entry); // no script runs in it; its size can be read, and it can be printed
  const print = find(".print", entry); // by itself: within this page it would be cut to its height on the screen
  print.hidden = false;
  print.onclick = () => frame.contentWindow.print();
  frame.onload = () => {
    const fit = () => { frame.style.height = `${frame.contentDocument.documentElement.offsetHeight + 24}px`; };
    fit();
    new ResizeObserver(fit).observe(frame.contentDocument.documentElement);
  };
  frame.hidden = false;
  frame.srcdoc = page;
}

function upload(file) {
  const entry = find("#result").content.firstElementChild.cloneNode(true);
  find("#results").prepend(entry);
  find(".name", entry).textContent = file.name;
  if (file.size > limit) {
    finish(entry);
    tell(entry, `a file must have at most ${limit} bytes; got ${file.size}. Cut or shrink it.`, true);
    return;
  }
  const request = new XMLHttpRequest(); // unlike fetch, it tells how far an upload is
  let read = 0;
  let ended = false;
  const take = () => {
    const lines = request.responseText.slice(read).split("\n");
    lines.pop(); // empty, or a line that has not come as a whole
    for (const line of lines) {
      read += line.length + 1;
      const event = JSON.parse(line);
      ended = ended || event.state === "scored" || event.state === "failed";
      follow(entry, event);
    }
  };
  request.upload.onprogress = (event) => {
    find("progress", entry).value = event.loaded / event.total;
    tell(entry, `Uploading: ${Math.floor((100 * event.loaded) / event.total)} %`);
  };
  request.onprogress = () => { if (request.status === 200) take(); };
  request.onload = () => {
    if (request.status === 200) {
      take();
      if (!ended) follow(entry, { state: "failed", error: "The server ended before the result. Try again." });
    } else {
      let error = `The server answered ${request.status}.`;
      try { error = JSON.parse(request.responseText).error; } catch { /* no JSON: a proxy's own page */ }
      follow(entry, { state: "failed", error });
    }
  };
  request.onerror = () => follow(entry, { state: "failed", error: "The connection broke, or the server refused the file. Try again." });
  request.onabort = () => follow(entry, { state: "failed", error: "Cancelled" });
  find(".cancel", entry).onclick = () => request.abort();
  request.open("POST", "score");
  request.setRequestHeader("X-Filename", encodeURIComponent(file.name));
  if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
  tell(entry, "Uploading");
  request.send(file);
}

const drop = find("#drop");
find("#files").onchange = (event) => {
  [...event.target.files].forEach(upload);
  event.target.value = "";
};
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && !drop.hidden) [...event.dataTransfer.files].forEach(upload);
  });
}
find("#login").onsubmit = (event) => {
  event.preventDefault();
  token = find("#token").value.trim();
  sessionStorage.setItem("token", token);
  connect();
};
connect();
