/** Rows of jobs, as the overview and the list show them. */
import { call, session } from "./api.js";
import { h } from "./dom.js";
import { duration } from "./format.js";
import { ago, confirmButton, elapsed, jobAddress, rowLink, stateBadge } from "./parts.js";

export function jobSignature({ id, runner, status, reason, finished_at, started_at }) {
  return [id, runner, status, reason, finished_at, started_at].join("|");
}

export const jobKey = ({ id, runner }) => `${runner}/${id}`;

/** The newest moment that is known of a job. */
export function lastMoment(job) {
  return job.finished_at ?? job.started_at ?? job.dispatched_at ?? job.queued_at;
}

export function jobLink(job) {
  return h("a", { href: jobAddress(job), class: "id" }, job.id);
}

/** The first line of a failure, for people. */
export function firstLine(text = "") {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}

export function jobRow(job) {
  const row = h(
    "tr",
    {},
    h("td", {}, jobLink(job)),
    h("td", {}, stateBadge(job)),
    h("td", { class: "wide-only" }, job.runner),
    h("td", { class: "wide-only" }, job.caller_id ?? h("span", { class: "faint" }, "–")),
    h("td", { class: "number took" }, job.duration_ms === undefined ? "–" : duration(job.duration_ms)),
    h("td", { class: "number" }, ago(lastMoment(job))),
    h("td", { class: "wide-only faint clip" }, firstLine(job.error)),
  );
  return rowLink(row, jobAddress(job));
}

export function jobTable(caption) {
  const body = h("tbody", {});
  const head = (name, className) => h("th", { scope: "col", class: className }, name);
  const table = h(
    "table",
    { class: "jobs" },
    h("caption", { class: "quiet-for-eyes" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ...[head("Job"), head("State"), head("Runner", "wide-only"), head("Caller", "wide-only")],
        ...[head("Took", "number took"), head("When", "number"), head("What it said", "wide-only")],
      ),
    ),
    body,
  );
  return { table, body };
}

export function runningRow(job) {
  const stop = session.may("jobs:write") ? cancelButton(job) : null;
  const row = h(
    "tr",
    {},
    h(
      "td",
      {},
      jobLink(job),
      h(
        "div",
        { class: "faint small" },
        job.runner,
        job.caller_id === undefined ? "" : ` · ${job.caller_id}`,
      ),
    ),
    h("td", {}, elapsed(job.started_at ?? job.dispatched_at, job.timeout * 1000)),
    stop === null ? null : h("td", { class: "number" }, stop),
  );
  return rowLink(row, jobAddress(job));
}

export function cancelButton({ id, runner }) {
  return confirmButton("Cancel", {
    question: `Cancel job ${id}?`,
    yes: "Yes, cancel it",
    busy: "Asked the runner to end it …",
    run: async () => {
      const job = await call("job.cancel", { id, runner });
      return job.status === "error" || job.status === "finished"
        ? `It is ${job.status} now.`
        : "Asked; it ends within seconds.";
    },
  });
}
