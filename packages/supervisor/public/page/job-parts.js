/** What is shown of one job above and below its log: how it went, why it failed, what was done to end it. */
import { get } from "./api.js";
import { h } from "./dom.js";
import { bytes, count, dateAndTime, duration, exactTime } from "./format.js";
import { highlight } from "./highlight.js";
import { commandBox, copyButton, sentenceOf } from "./parts.js";

const isFinal = ({ status }) => status === "finished" || status === "error";

/** The life of the job: moments, and the time between them. */
export function timeline(job) {
  const end = isFinal(job) ? job.status : undefined;
  const moments = [
    ["queued", job.queued_at],
    ["taken", job.dispatched_at],
    ["started", job.started_at],
    [end ?? "", end === undefined ? undefined : job.finished_at],
  ].filter(([, at]) => at !== undefined);
  const waits = {
    created: "stored, not queued",
    queued: "waiting for a runner",
    dispatched: "about to start",
    started: "running",
  };
  const items = moments.flatMap(([name, at], index) => {
    const before = moments[index - 1]?.[1];
    const gap = before === undefined ? [] : [h("li", { class: "gap" }, h("span", {}, duration(at - before)))];
    return [...gap, moment(name, at)];
  });
  if (end === undefined)
    items.push(h("li", { class: "gap open" }, h("span", {}, waits[job.status] ?? job.status)));
  return h("ol", { class: "timeline", "aria-label": "How it went" }, ...items);
}

function moment(name, at) {
  const time = h("time", { datetime: new Date(at).toISOString(), title: dateAndTime(at) }, exactTime(at));
  return h("li", { class: `moment is-${name}` }, h("span", { class: "moment-name" }, name), time);
}

export function facts(job) {
  const { caller_id: caller, context_id: context, signers = [] } = job;
  const list = [
    ["runner", h("a", { href: `/jobs?runner=${job.runner}` }, job.runner)],
    [
      "caller",
      caller === undefined
        ? undefined
        : h("a", { href: `/jobs?caller_id=${encodeURIComponent(caller)}` }, caller),
    ],
    ["context", context],
    ["signed by", signers.length > 0 ? signers.join(", ") : undefined],
    ["attempt", job.attempt > 0 ? `${job.attempt} of ${job.max_attempts}` : undefined],
    ["timeout", duration(job.timeout * 1000)],
    ["process took", job.duration_ms === undefined ? undefined : duration(job.duration_ms)],
    ["exit code", job.exit_code],
    ["signal", job.signal],
    ["isolation", job.isolation],
    ["left out of the record", job.dropped_bytes > 0 ? bytes(job.dropped_bytes) : undefined],
    ["expires", job.expires_at === undefined ? undefined : dateAndTime(job.expires_at * 1000)],
    ["taken by", job.owner],
  ].filter(([, value]) => value !== undefined && value !== "");
  return h(
    "dl",
    { class: "facts" },
    ...list.map(([name, value]) =>
      h(
        "div",
        {},
        h("dt", {}, name),
        h(
          "dd",
          {
            class: name === "taken by" ? "clip" : undefined,
            title: name === "taken by" ? String(value) : undefined,
          },
          value instanceof Node ? value : String(value),
        ),
      ),
    ),
  );
}

/** Why it failed and what to do, in the words of `herojob explain`. */
export function explanation(job, { reasons }) {
  const known = reasons[job.reason];
  const [sentence = "", ...rest] = (job.error ?? "").split("\n");
  const tail = rest.join("\n").trim();
  const command = known?.command.replaceAll("ID", job.id).replaceAll("RUNNER", job.runner);
  return h(
    "section",
    { class: "why", "aria-labelledby": "why-title" },
    h("h2", { id: "why-title" }, "Why it failed"),
    sentence === "" ? null : h("p", { class: "why-sentence" }, sentence),
    tail === "" ? null : h("pre", { class: "why-tail", tabindex: "0", "aria-label": "End of stderr" }, tail),
    known === undefined ? null : h("p", {}, known.meaning),
    known === undefined ? null : h("p", {}, h("strong", {}, "What to do"), ` (${known.actor}): `, known.next),
    command === undefined ? null : commandBox(command),
  );
}

export function details(job) {
  const lines = job.payload.split("\n").length - (job.payload.endsWith("\n") ? 1 : 0);
  const names = job.env_names;
  return h(
    "div",
    { class: "details" },
    fold(
      `Script (${count(lines)} ${lines === 1 ? "line" : "lines"})`,
      h(
        "pre",
        { class: "script", tabindex: "0", "aria-label": "Script" },
        h("code", {}, ...highlight(job.payload)),
      ),
      copyButton("Copy the script", () => job.payload),
    ),
    fold(
      `Environment (${count(names.length)} ${names.length === 1 ? "name" : "names"})`,
      names.length === 0
        ? h("p", { class: "faint" }, "The job brought no variables of its own.")
        : h(
            "ul",
            { class: "names" },
            ...names.map((name) =>
              h("li", {}, h("code", {}, name), " = ", h("span", { class: "faint" }, "••••••")),
            ),
          ),
      names.length === 0 ? null : h("p", { class: "faint" }, "Values are never shown."),
    ),
    job.kill === undefined ? null : killReport(job.kill),
    job.receipt === undefined ? null : receipt(job),
  );
}

function fold(title, ...content) {
  return h("details", {}, h("summary", {}, title), h("div", { class: "fold" }, ...content));
}

function killReport(kill) {
  const gone = kill.gone_at === undefined ? undefined : kill.gone_at - kill.asked_at;
  const steps = [
    ["asked to end", 0],
    ["SIGTERM", kill.term_at === undefined ? undefined : kill.term_at - kill.asked_at],
    ["SIGKILL", kill.kill_at === undefined ? undefined : kill.kill_at - kill.asked_at],
    ["all gone", gone],
  ].filter(([, after]) => after !== undefined);
  const number = kill.found.length;
  const left = kill.survivors.length;
  const title =
    left > 0
      ? `Ending: ${left} of ${number} processes live on`
      : `Ending: ${number < 2 ? "the process is" : `all ${number} processes are`} gone${gone === undefined ? "" : ` after ${duration(gone)}`}`;
  const sequence = steps.map(([name, after]) => (after === 0 ? name : `${name} after ${duration(after)}`));
  return fold(
    title,
    h("p", {}, `${kill.reason}: ${sequence.join(", ")}`),
    left === 0
      ? null
      : h(
          "p",
          { class: "notice bad" },
          `Still alive: pid ${kill.survivors.join(", ")}. Somebody has to look at that machine.`,
        ),
    number === 0 ? null : processTable(kill.found),
  );
}

const shownProcesses = 200;

function processTable(found) {
  const columns = ["pid", "parent", "name", "found by"].map((name) => h("th", { scope: "col" }, name));
  const rows = found.slice(0, shownProcesses).map(({ pid, ppid, name, via }) => {
    const cells = [pid, ppid, name, via].map((value) => h("td", {}, String(value)));
    return h("tr", {}, ...cells);
  });
  return h("table", {}, h("thead", {}, h("tr", {}, ...columns)), h("tbody", {}, ...rows));
}

function receipt({ id, runner, receipt: text }) {
  const verdict = h("p", { role: "status" }, "Checking …");
  const title = h("summary", {}, "Receipt");
  const facts = h("div", {});
  get(`/page/jobs/${encodeURIComponent(id)}/receipt?runner=${encodeURIComponent(runner)}`).then(
    ({ holds, problem, public_key: key }) => {
      title.textContent = holds ? "Receipt holds ✓" : "Receipt does not hold ✕";
      verdict.className = holds ? "" : "notice bad";
      verdict.textContent = holds
        ? "The runner signed this ending, and the record still says the same. Whether the key is the runner's own is for you to know:"
        : `${problem}.`;
      if (key !== undefined) facts.replaceChildren(h("code", { class: "breaks" }, key));
    },
    (error) => (verdict.textContent = sentenceOf(error)),
  );
  return h(
    "details",
    {},
    title,
    h(
      "div",
      { class: "fold" },
      verdict,
      facts,
      copyButton("Copy the receipt", () => text),
    ),
  );
}
