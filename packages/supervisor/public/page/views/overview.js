/** Overview: what runs where, what waits, and how the last hour went. */
import { ApiError, call, callAll, get } from "../api.js";
import { atMost, h, reconcile, setText, show } from "../dom.js";
import { clock, count, duration, roughly } from "../format.js";
import { jobKey, jobRow, jobSignature, jobTable, runningRow } from "../job-rows.js";
import { onLive } from "../live.js";
import { commandBox, empty, problem } from "../parts.js";
import { plot, sparkline } from "../plot.js";
import { runnerSignature, runnerSummaryRow, startCommand } from "../runner-rows.js";

const recentJobs = 12;
const shownRunning = 50;
const shownWaiting = 100;

export function overviewView({ query, go }) {
  const span = query.get("span") === "day" ? "day" : "hour";
  const parts = build(span, go);
  let gone = false;
  const guarded = (read) => async () => {
    if (gone || document.hidden) return;
    try {
      await read();
      parts.trouble.replaceChildren();
    } catch (error) {
      if (!gone && error?.data?.reason !== "unreachable") parts.trouble.replaceChildren(problem(error));
    }
  };
  const readNow = guarded(async () => showNow(parts, await askNow()));
  const readStats = guarded(async () => showStats(parts, await get("/page/stats"), span));
  const soon = atMost(1_000, readNow);
  const statsSoon = atMost(5_000, readStats);
  const stop = onLive(["job", "runner", "resync"], () => {
    soon();
    statsSoon();
  });
  const timers = [setInterval(() => soon(), 10_000), setInterval(() => statsSoon(), 20_000)];
  const seen = () => (document.hidden ? undefined : (soon(), statsSoon()));
  document.addEventListener("visibilitychange", seen);
  soon();
  statsSoon();
  return {
    title: "Overview",
    node: parts.node,
    leave: () => {
      gone = true;
      stop();
      for (const timer of timers) clearInterval(timer);
      document.removeEventListener("visibilitychange", seen);
    },
  };
}

/** Asks for no more jobs than there are: a search for one that does not exist would look through the whole history. */
async function askNow() {
  const { runners } = await call("runner.list");
  const sum = (name) => runners.reduce((total, runner) => total + runner[name], 0);
  const [running, waiting] = [Math.min(sum("running"), shownRunning), Math.min(sum("queued"), shownWaiting)];
  const answers = await callAll([
    ["job.list", { limit: recentJobs * 3 }],
    ...(running === 0 ? [] : [["job.list", { status: "started", limit: running }]]),
    ...(waiting === 0 ? [] : [["job.list", { status: "queued", limit: waiting }]]),
  ]);
  const failed = answers.find((one) => one instanceof ApiError);
  if (failed !== undefined) throw failed;
  const [recent, ...more] = answers;
  return {
    runners,
    recent: recent.jobs,
    running: running === 0 ? [] : more.shift().jobs,
    // The oldest is known when all that wait were seen.
    oldest: waiting === 0 || sum("queued") > shownWaiting ? undefined : more.shift().jobs.at(-1)?.queued_at,
  };
}

function build(span, go) {
  const tiles = ["running", "waiting", "finished", "failed"].map((name) => tile(name));
  const words = span === "day" ? "24 h" : "1 h";
  const plots = {
    throughput: plot({ title: `Ended, ${words}`, unit: (top) => count(top) }),
    waiting: plot({ title: "Waited, p50 and p95", unit: duration }),
    duration: plot({ title: "Took, p50 and p95", unit: duration }),
  };
  const reasons = h("div", { class: "reasons" });
  const runners = h("tbody", {});
  const running = h("tbody", {});
  const recent = jobTable("Jobs that ended last");
  const spans = h(
    "nav",
    { class: "spans", "aria-label": "Time span of the plots" },
    ...["hour", "day"].map((one) =>
      h(
        "a",
        { href: one === "hour" ? "/" : "/?span=day", "aria-current": one === span ? "true" : undefined },
        one,
      ),
    ),
  );
  const parts = {
    ...{ plots, reasons, runners, running, recent, span, go },
    trouble: h("div", {}),
    tiles: new Map(tiles.map((one) => [one.name, one])),
    noRunners: h("div", { class: "table-note" }),
    noRunning: h("p", { class: "table-note faint" }, "…"),
    noRecent: h("div", { class: "table-note" }),
  };
  parts.node = h(
    "div",
    { class: "overview" },
    h("h1", { class: "quiet-for-eyes" }, "Overview"),
    parts.trouble,
    h("div", { class: "tiles" }, ...tiles.map(({ node }) => node)),
    h("div", { class: "plots-head" }, h("h2", {}, "Lately"), spans),
    h(
      "div",
      { class: "plots" },
      ...[plots.throughput.node, plots.waiting.node, plots.duration.node],
      h(
        "figure",
        { class: "plot-box" },
        h("figcaption", {}, h("span", { class: "plot-title" }, `Failures by reason, ${words}`)),
        reasons,
      ),
    ),
    h(
      "div",
      { class: "columns" },
      h("section", {}, h("h2", {}, "Runners"), h("table", {}, runners), parts.noRunners),
      h("section", {}, h("h2", {}, "Running now"), h("table", {}, running), parts.noRunning),
    ),
    h("section", {}, h("h2", {}, "Recent"), recent.table, parts.noRecent),
  );
  return parts;
}

function tile(name) {
  const number = h("span", { class: "tile-number" }, "–");
  const curve = h("span", { class: "tile-curve" });
  const more = h("span", { class: "tile-more faint" }, "\u00a0");
  const labels = { finished: "finished, 1 h", failed: "failed, 1 h" };
  const node = h(
    "div",
    { class: `tile tile-${name}` },
    h("span", { class: "tile-label" }, labels[name] ?? name),
    h("span", { class: "tile-line" }, number, curve),
    more,
  );
  return { name, node, number, curve, more };
}

function setTile(parts, name, { number, more, curve }) {
  const one = parts.tiles.get(name);
  if (number !== undefined) setText(one.number, number);
  if (more !== undefined) setText(one.more, more);
  if (curve !== undefined) one.curve.replaceChildren(curve);
}

function showNow(parts, { runners, running, oldest, recent }) {
  const sum = (name) => runners.reduce((total, runner) => total + runner[name], 0);
  const slots = runners.flatMap(({ instances }) => instances).reduce((total, one) => total + one.slots, 0);
  setTile(parts, "running", { number: count(sum("running")), more: `of ${count(slots)} slots` });
  setTile(parts, "waiting", {
    number: count(sum("queued")),
    more: oldest === undefined ? "\u00a0" : `oldest ${roughly(clock.now() - oldest)}`,
  });
  reconcile(parts.runners, runners, {
    key: ({ id }) => id,
    signature: runnerSignature,
    make: runnerSummaryRow,
  });
  parts.noRunners.replaceChildren(
    ...(runners.length > 0
      ? []
      : [empty("No runner is registered yet. This starts one:", commandBox(startCommand()))]),
  );
  reconcile(parts.running, running, { key: jobKey, signature: jobSignature, make: runningRow });
  setText(parts.noRunning, running.length > 0 ? "" : "Nothing runs at the moment.");
  const ended = recent.filter(({ status }) => status === "finished" || status === "error");
  const order = ended.sort((a, b) => (b.finished_at ?? 0) - (a.finished_at ?? 0)).slice(0, recentJobs);
  reconcile(parts.recent.body, order, { key: jobKey, signature: jobSignature, make: jobRow });
  show(parts.recent.table, order.length > 0);
  parts.noRecent.replaceChildren(...(order.length > 0 ? [] : [noJobs(runners)]));
}

function noJobs(runners) {
  const runner = runners[0]?.id ?? "my-hero-runner";
  return empty(
    "No job has ended yet. This submits one:",
    commandBox(`herojob submit --runner ${runner} -e 'print("hello")' --wait`),
  );
}

function showStats(parts, stats, span) {
  clock.set(stats.now);
  const { periods } = stats[span];
  const times = periods.map(({ from }) => from);
  const { total: hour, periods: minutes } = stats.hour;
  const before = hourBefore(stats);
  setTile(parts, "finished", {
    number: count(hour.finished),
    more: compare(hour.finished, before.finished),
    curve: sparkline(
      minutes.map(({ finished }) => finished),
      "bar-finished",
    ),
  });
  setTile(parts, "failed", {
    number: count(hour.failed),
    more: compare(hour.failed, before.failed),
    curve: sparkline(
      minutes.map(({ failed }) => failed),
      "bar-failed",
    ),
  });
  const values = (pick) => periods.map(pick);
  const { total } = stats[span];
  parts.plots.throughput.update({
    times,
    series: [
      { kind: "bar", className: "bar-finished", values: values(({ finished }) => finished) },
      { kind: "bar", className: "bar-failed", values: values(({ failed }) => failed) },
    ],
    say: (at) => `${count(periods[at].finished)} finished, ${count(periods[at].failed)} failed`,
    summary: `${count(total.finished)} finished, ${count(total.failed)} failed`,
  });
  for (const name of ["waiting", "duration"]) parts.plots[name].update(timesPlot(name, periods, total));
  showReasons(parts.reasons, total.reasons);
}

function timesPlot(name, periods, total) {
  const sentence = ({ p50, p95 }) =>
    p50 === null ? "nothing measured" : `p50 ${duration(p50)}, p95 ${duration(p95)}`;
  return {
    times: periods.map(({ from }) => from),
    series: [
      { kind: "line", className: "line-p95", values: periods.map((one) => one[name].p95) },
      { kind: "line", className: "line-p50", values: periods.map((one) => one[name].p50) },
    ],
    say: (at) => sentence(periods[at][name]),
    summary: sentence(total[name]),
  };
}

/** The hour before this one, as far as quarters of an hour can tell. */
function hourBefore({ now, day }) {
  const sum = { finished: 0, failed: 0 };
  for (const { from, finished, failed } of day.periods) {
    const middle = from + 450_000;
    if (middle < now - 7_200_000 || middle >= now - 3_600_000) continue;
    sum.finished += finished;
    sum.failed += failed;
  }
  return sum;
}

function compare(number, before) {
  const difference = number - before;
  if (difference === 0) return "as in the hour before";
  return `${difference > 0 ? "▲" : "▼"} ${count(Math.abs(difference))} against the hour before`;
}

function showReasons(place, reasons) {
  const list = Object.entries(reasons)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 5);
  if (list.length === 0) return place.replaceChildren(h("p", { class: "faint" }, "None."));
  const most = list[0][1];
  place.replaceChildren(
    ...list.map(([reason, number]) =>
      h(
        "a",
        { class: "reason", href: `/jobs?status=error&reason=${reason}` },
        h("code", {}, reason),
        h("meter", { min: 0, max: most, value: number, "aria-hidden": "true" }),
        h("span", { class: "number" }, count(number)),
      ),
    ),
  );
}
