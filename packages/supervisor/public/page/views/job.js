/** One job, top to bottom: what, who, when, how it ended and why, then its log, then everything else. */
import { ApiError, call, reasonGuide, session } from "../api.js";
import { atMost, h, say, setText } from "../dom.js";
import { shellWord } from "../format.js";
import { details, explanation, facts, timeline } from "../job-parts.js";
import { cancelButton } from "../job-rows.js";
import { onLive } from "../live.js";
import { LogView } from "../log-view.js";
import {
  actionButton,
  commandBox,
  copyButton,
  elapsed,
  empty,
  jobAddress,
  problem,
  sentenceOf,
  stateBadge,
} from "../parts.js";

const isFinal = (job) => job.status === "finished" || job.status === "error";

export function jobView({ parts: { id }, query, hash, go }) {
  const view = new JobPage(id, query.get("runner") ?? undefined, { hash, go });
  return { title: `Job ${id}`, node: view.node, leave: () => view.leave() };
}

class JobPage {
  #id;
  #runner;
  #go;
  #hash;
  #gone = false;
  #job;
  #log;
  #source;
  #retry;
  #lastSeq = 0;
  #stops = [];
  #places = {
    head: h("div", { class: "job-head" }),
    trouble: h("div", {}),
    answer: h("div", {}),
    timeline: h("div", { class: "scroll-x" }),
    facts: h("div", {}),
    why: h("div", {}),
    log: h("div", {}),
    details: h("div", {}),
  };
  node = h("article", { class: "job" }, ...Object.values(this.#places));

  constructor(id, runner, { hash, go }) {
    this.#id = decodeURIComponent(id);
    this.#runner = runner;
    this.#hash = hash;
    this.#go = go;
    const soon = atMost(300, () => this.#read());
    const mine = (event) => {
      const about = event.detail;
      if (
        event.type === "resync" ||
        (about?.id === this.#id && (this.#runner ?? about.runner) === about.runner)
      )
        soon();
    };
    this.#stops.push(onLive(["job", "resync"], mine));
    const timer = setInterval(
      () => (this.#job !== undefined && isFinal(this.#job) ? undefined : soon()),
      5000,
    );
    this.#stops.push(() => clearInterval(timer));
    setText(this.#places.head, `Job ${this.#id} …`);
    void this.#read();
  }

  leave() {
    this.#gone = true;
    this.#source?.close();
    clearTimeout(this.#retry);
    this.#log?.stop();
    for (const stop of this.#stops) stop();
  }

  async #read() {
    const known = this.#runner === undefined ? {} : { runner: this.#runner };
    try {
      const job = await call("job.get", { id: this.#id, ...known });
      if (this.#gone) return;
      const before = this.#job;
      this.#job = job;
      this.#runner = job.runner;
      this.#places.trouble.replaceChildren();
      if (before !== undefined && before.status !== job.status) say(`Job ${job.id} is ${job.status}`);
      if (JSON.stringify(before) !== JSON.stringify(job)) this.#paint(before);
      if (this.#log === undefined) this.#openLog();
    } catch (error) {
      if (!this.#gone) this.#fail(error);
    }
  }

  #fail(error) {
    if (error?.data?.reason === "unreachable" && this.#job !== undefined) return;
    const { head, trouble } = this.#places;
    if (this.#job !== undefined) return trouble.replaceChildren(problem(error));
    head.replaceChildren(h("h1", {}, `Job ${this.#id}`));
    const more = h("p", {}, h("a", { href: "/jobs" }, "All jobs"));
    trouble.replaceChildren(empty(sentenceOf(error), more));
  }

  #paint(before) {
    const job = this.#job;
    const { head, timeline: line, facts: about, why, details: more } = this.#places;
    if (before?.status !== job.status || before?.reason !== job.reason)
      head.replaceChildren(this.#title(job), this.#actions(job));
    line.replaceChildren(timeline(job));
    about.replaceChildren(facts(job));
    if (job.status === "error") void this.#explain(why, job);
    else why.replaceChildren();
    if (before === undefined || isFinal(job)) more.replaceChildren(details(job));
  }

  async #explain(place, job) {
    const guide = await reasonGuide().catch(() => ({ reasons: {} }));
    if (!this.#gone) place.replaceChildren(explanation(job, guide));
  }

  #title(job) {
    const running = job.status === "started" ? elapsed(job.started_at, job.timeout * 1000) : null;
    return h(
      "h1",
      {},
      h("span", {}, "Job ", h("span", { class: "id" }, job.id)),
      " ",
      stateBadge(job),
      job.exit_code === undefined || job.status !== "error"
        ? null
        : h("span", { class: "faint" }, ` · exit code ${job.exit_code}`),
      running,
    );
  }

  #actions(job) {
    const actions = [];
    const { id, runner } = job;
    if (session.may("jobs:write")) {
      if (!isFinal(job)) actions.push(cancelButton(job));
      if (job.status === "created") {
        actions.push(
          actionButton("Start", { run: () => call("job.start", { id, runner }).then(() => "Queued.") }),
        );
      }
      if (isFinal(job))
        actions.push(actionButton("Run again", { busy: "Submitting …", run: () => this.#runAgain(job) }));
    }
    if (job.env_names.length === 0 && (job.signers ?? []).length === 0) {
      actions.push(copyButton("Copy as redis-cli", () => asRedisCli(job)));
    }
    return h("div", { class: "actions" }, ...actions);
  }

  /** A signed job can be repeated by its signers only: the command for them is shown instead. */
  async #runAgain({ id, runner }) {
    this.#places.answer.replaceChildren();
    try {
      const again = await call("job.retry", { id, runner });
      this.#go(jobAddress({ id: again.id, runner }));
      say(`Submitted as job ${again.id}`);
    } catch (error) {
      if (!(error instanceof ApiError) || error.data.reason !== "signed") throw error;
      this.#places.answer.replaceChildren(
        h(
          "div",
          { class: "notice" },
          h(
            "p",
            {},
            "This job is signed, and only its signers can submit it again. With the script saved as ",
            h("code", {}, "script.hero"),
            ":",
          ),
          commandBox(String(error.data.command)),
        ),
      );
      return "It has to be signed again.";
    }
  }

  #openLog() {
    const { id, runner } = this.#job;
    const download = (stream, label) =>
      h(
        "a",
        {
          class: "button",
          download: true,
          href: `/jobs/${encodeURIComponent(id)}/output?stream=${stream}&runner=${encodeURIComponent(runner)}`,
        },
        label,
      );
    this.#log = new LogView({ downloads: [download("out", "Raw stdout"), download("err", "Raw stderr")] });
    this.#places.log.replaceChildren(this.#log.node);
    this.#log.setLive(!isFinal(this.#job), "reading …");
    this.#listen();
  }

  #listen() {
    const query = new URLSearchParams({ runner: this.#runner, after: String(this.#lastSeq) });
    const source = new EventSource(`/jobs/${encodeURIComponent(this.#id)}/log?${query}`);
    this.#source = source;
    const take = (event) => {
      this.#lastSeq = Math.max(this.#lastSeq, Number(event.lastEventId) || 0);
      return JSON.parse(event.data);
    };
    for (const stream of ["out", "err"])
      source.addEventListener(stream, (event) => this.#log.append(stream, take(event).data));
    source.addEventListener("gap", (event) => this.#log.gap(take(event)));
    source.addEventListener("end", () => {
      source.close();
      void this.#ended();
    });
    source.addEventListener("open", () =>
      this.#log.setLive(!isFinal(this.#job), isFinal(this.#job) ? "reading …" : "live"),
    );
    source.addEventListener("error", () => {
      if (this.#gone) return;
      this.#log.setLive(true, "reconnecting …");
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => (this.#gone ? undefined : this.#listen()), 2000);
    });
  }

  async #ended() {
    await this.#read();
    if (this.#gone || this.#job === undefined) return;
    const log = this.#log;
    // The live log is capped, and jobs that wrote nothing to it may still have output in their record.
    if (log.store.length === 0) {
      if (this.#job.result) log.append("out", this.#job.result);
      if (this.#job.stderr) log.append("err", this.#job.stderr);
    }
    log.setLive(false, log.store.length === 0 ? "it wrote nothing" : "complete");
    // Of a failure one wants to see how it ended.
    if (this.#job.status === "error" && !this.#hash) log.showEnd();
    const line = /^#L(\d+)$/.exec(this.#hash)?.[1];
    if (line !== undefined) requestAnimationFrame(() => log.openLine(Number(line)));
  }
}

function asRedisCli({ id, runner, payload, timeout, caller_id: caller }) {
  const fields = [
    "payload",
    payload,
    "timeout",
    String(timeout),
    ...(caller === undefined ? [] : ["caller_id", caller]),
  ];
  const key = `hero:{${runner}}`;
  const again = `${id}-again`;
  return [
    ["redis-cli", "HSET", `${key}:job:${again}`, ...fields].map(shellWord).join(" "),
    ["redis-cli", "LPUSH", `${key}:queue`, again].map(shellWord).join(" "),
  ].join("\n");
}
