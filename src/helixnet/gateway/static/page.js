// The jobs page: log in, watch the list, open a job. Everything comes from the public API.
import * as login from "./login.js";

const API = "/api/v1";
const FINAL = ["COMPLETED", "PARTIAL", "FAILED", "CANCELLED"];
const LIST_EVERY = 2000; // ms
const PREVIEW = 64 * 1024; // bytes of a result shown
const $ = (id) => document.getElementById(id);

let watching = new AbortController(); // ends what belongs to the view that was left
let shown = null; // the job on view

const say = (text) => { $("notice").textContent = text; };
const pause = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
});

async function call(path, options = {}, renew = true) {
  const headers = { ...options.headers, Authorization: `Bearer ${login.token()}` };
  const answer = await fetch(path.startsWith("http") ? path : API + path, { ...options, headers });
  if (answer.status === 401) {
    if (renew && await login.renewed()) return call(path, options, false);
    leave("Please log in again.");
    throw new DOMException("logged out", "AbortError");
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? `The server answered ${answer.status}.`);
  }
  return answer;
}

function leave(text = "") {
  login.forget();
  say(text);
  route();
}

// Local time with its offset, as the reader's clock shows it.
function local(iso) {
  if (!iso) return "";
  const at = new Date(iso);
  const two = (n) => String(Math.trunc(Math.abs(n))).padStart(2, "0");
  const offset = -at.getTimezoneOffset();
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${day} ${time} ${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
}

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function moment(iso) {
  const made = element("time", local(iso));
  made.dateTime = iso ?? "";
  return made;
}

function cell(content, className = "") {
  const made = element("td", "", className);
  made.append(content);
  return made;
}

function row(job) {
  const made = document.createElement("tr");
  const link = element("a", job.filename || job.job_id);
  link.href = `#job/${job.job_id}`;
  made.append(
    cell(link),
    cell(element("span", job.state, `state ${job.state}`)),
    cell([job.flow, job.context].filter(Boolean).join(" · ")),
    cell(job.counts?.records ?? "", "number"),
    cell(job.counts?.rejected ?? "", "number"),
    cell(moment(job.created)),
  );
  return made;
}

let older = ""; // URL of the page after the rows on view
let oldest = false; // whether the reader paged back: then the list stands still

function filters() {
  const query = new URLSearchParams({ limit: "25" });
  for (const [name, value] of new FormData($("filter"))) if (value) query.set(name, value);
  return query;
}

async function fill(path, { append = false } = {}) {
  const answer = await call(path, { signal: watching.signal });
  const { jobs } = await answer.json();
  const focused = document.activeElement?.closest?.("#rows a")?.getAttribute("href");
  const rows = jobs.map(row);
  if (append) $("rows").append(...rows); else $("rows").replaceChildren(...rows);
  if (focused && !append) $("rows").querySelector(`a[href="${focused}"]`)?.focus();
  older = answer.headers.get("Link")?.match(/<([^>]+)>;\s*rel="next"/)?.[1] ?? "";
  $("older").hidden = !older;
  $("empty").hidden = $("rows").childElementCount > 0;
}

async function watchList(signal) {
  oldest = false;
  while (!signal.aborted) {
    if (!oldest && !document.hidden) await fill(`/jobs?${filters()}`);
    await pause(LIST_EVERY, signal);
  }
}

function outputs(job) {
  return (job.runs ?? []).find(({ run }) => run === job.run)?.outputs ?? [];
}

function facts(job) {
  const counts = job.counts ?? {};
  const complete = job.counts_complete === false ? " (incomplete: stopped early)" : "";
  const rows = [
    ["State", element("span", job.state, `state ${job.state}`)],
    ["Job", job.job_id], ["Run", String(job.run)],
    ["Flow", job.flow], ["Context", [job.context, job.context_version].filter(Boolean).join(" ")],
    ["Context hash", job.context_hash], ["Tenant", job.tenant],
    ["Records", `${counts.records ?? 0} in = ${counts.used ?? 0} used + ${counts.rejected ?? 0} `
      + `rejected + ${counts.skipped ?? 0} skipped${complete}`],
    ["Documents", `${counts.written ?? 0} written, ${counts.documents_rejected ?? 0} rejected`],
    ["Outputs", outputs(job).map(({ name, documents }) => `${documents} ${name}`).join(", ")],
    ["Accepted", moment(job.created)], ["Finished", moment(job.finished)],
    ["Stored at", job.result_path],
  ];
  $("facts").replaceChildren(...rows.filter(([, value]) => value).flatMap(([name, value]) => {
    const said = element("dd");
    said.append(value);
    return [element("dt", name), said];
  }));
}

function faultRows(rejects) {
  return rejects.flatMap((reject) => reject.errors.map((fault) => {
    const made = document.createElement("tr");
    made.append(
      cell(String(fault.source?.line ?? reject.line), "number"), cell(fault.code),
      cell(fault.source?.field ?? fault.target ?? ""), cell(fault.value ?? ""),
      cell([fault.message, fault.hint].filter(Boolean).join(" · ")),
    );
    return made;
  }));
}

async function preview(job) {
  let text = job.result_content ?? "";
  if (!text && job.result_url) {
    const reader = (await call(`/jobs/${job.job_id}/result`)).body.getReader();
    const decoder = new TextDecoder();
    while (text.length < PREVIEW) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
    await reader.cancel();
    text = `${text.slice(0, PREVIEW)}\n…`;
  }
  $("result").textContent = text;
  $("result").hidden = !text;
  $("no-result").hidden = Boolean(text);
  $("get-result").disabled = !job.result_url;
  $("get-outputs").replaceChildren(...(job.result_url ? outputs(job) : []).map(({ name }) => {
    const button = element("button", `Download ${name}`);
    button.type = "button";
    button.addEventListener("click",
      () => guarded(() => download(`result?output=${encodeURIComponent(name)}`, "*/*", name)));
    return button;
  }));
}

async function showJob(id, signal) {
  const job = await (await call(`/jobs/${id}`, { signal })).json();
  shown = job;
  const ended = FINAL.includes(job.state);
  $("job-title").textContent = job.filename || job.job_id;
  document.title = `${job.filename || job.job_id}: ${job.state} · HelixNet`;
  facts(job);
  $("cancel").disabled = ended;
  $("rerun").disabled = !ended;
  $("errors").replaceChildren(...(job.errors ?? []).map((fault) => element("li",
    [fault.code, fault.message ?? fault.detail, fault.hint].filter(Boolean).join(" · "))));
  $("no-errors").hidden = (job.errors ?? []).length > 0;
  const { rejects } = await (await call(`/jobs/${id}/rejects`, { signal })).json();
  $("rejects").replaceChildren(...faultRows(rejects));
  $("no-rejects").hidden = rejects.length > 0;
  $("rejects-box").hidden = rejects.length === 0;
  $("get-rejects").disabled = rejects.length === 0;
  await preview(job);
  return ended;
}

async function watchJob(id, signal) {
  let ended = await showJob(id, signal);
  $("job-title").focus();
  let last = "";
  while (!signal.aborted && !ended) {
    const answer = await call(`/jobs/${id}/events`, {
      signal, headers: { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) },
    });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      last = [...value.matchAll(/^id: ?(.+)$/gm)].at(-1)?.[1] ?? last;
      if (value.includes("data:")) ended = await showJob(id, signal);
      if (ended) break;
    }
    await reader.cancel();
    if (!ended) await pause(1000, signal);
  }
}

async function download(kind, type, name = kind) {
  const options = { headers: { Accept: type } };
  const blob = await (await call(`/jobs/${shown.job_id}/${kind}`, options)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${shown.job_id}-${name}.ndjson`;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function act(verb) {
  await call(`/jobs/${shown.job_id}/${verb}`, { method: "POST" });
  say(verb === "cancel" ? "Cancelled." : "A new run has begun.");
  route();
}

async function route() {
  watching.abort();
  watching = new AbortController();
  const { signal } = watching;
  const id = location.hash.match(/^#job\/([0-9a-zA-Z-]+)$/)?.[1];
  const known = Boolean(login.token());
  $("login").hidden = known;
  $("list").hidden = !known || Boolean(id);
  $("job").hidden = !known || !id;
  $("who").hidden = !known;
  document.title = "HelixNet jobs";
  $("name").textContent = login.name();
  if (!known) return guarded(offerLogin, signal);
  await guarded(() => (id ? watchJob(id, signal) : watchList(signal)), signal);
}

async function offerLogin() {
  const offered = await login.methods();
  $("login-form").hidden = !offered.password_form;
  $("login-away").hidden = !offered.authorization_endpoint;
  (offered.password_form ? $("username") : $("away")).focus();
}

async function guarded(work, signal = null) {
  try {
    await work();
  } catch (error) {
    if (error.name === "AbortError" || signal?.aborted) return;
    say(error.message);
    if (signal) { await pause(5000, signal); if (!signal.aborted) { say(""); route(); } }
  }
}

$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  guarded(async () => {
    await login.byPassword(new URLSearchParams(new FormData(event.target)));
    event.target.reset();
    say("");
    route();
    $("content").focus();
  });
});
$("filter").addEventListener("submit", (event) => { event.preventDefault(); say(""); route(); });
$("away").addEventListener("click", () => guarded(login.atIssuer));
$("leave").addEventListener("click", () => guarded(async () => {
  await login.end();
  leave("You are logged out.");
}));
$("older").addEventListener("click", () => guarded(() => {
  oldest = true;
  return fill(older, { append: true });
}));
$("cancel").addEventListener("click", () => guarded(() => act("cancel")));
$("rerun").addEventListener("click", () => guarded(() => act("rerun")));
$("get-result").addEventListener("click", () => guarded(() => download("result", "*/*")));
$("get-rejects").addEventListener("click",
  () => guarded(() => download("rejects", "application/x-ndjson")));
window.addEventListener("hashchange", () => { say(""); route(); });
await guarded(login.returned);
route();
