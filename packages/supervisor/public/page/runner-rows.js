/** Rows of runners. A runner that is not heard of is shown as that, with what it leaves behind. */
import { h } from "./dom.js";
import { count, duration } from "./format.js";

export function startCommand(redisUrl = "redis://localhost:6379") {
  return `herorunner -r ${redisUrl} my-hero-runner`;
}

/** What changes all the time is not a reason to draw a row again, except in coarse steps. */
export function runnerSignature(runner) {
  const instances = runner.instances.map(({ last_poll_ms: ms, ...one }) => [
    one,
    ms === undefined ? -1 : Math.round(ms / 200),
  ]);
  return JSON.stringify([{ ...runner, instances: [] }, instances]);
}

export function runnerState({ alive, paused }) {
  const [name, mark, word] = alive
    ? paused
      ? ["paused", "‖", "paused"]
      : ["alive", "●", "alive"]
    : ["gone", "○", "not heard of"];
  return h("span", { class: `runner-state ${name}` }, h("span", { "aria-hidden": "true" }, mark), " ", word);
}

export function slotsOf(runner) {
  const slots = runner.instances.reduce((sum, one) => sum + one.slots, 0);
  const busy = runner.instances.reduce((sum, one) => sum + one.busy, 0);
  return { slots, busy };
}

/** The worst of its processes: the one whose queue answered longest ago. */
export function pollAge({ instances }) {
  const ages = instances.map(({ last_poll_ms: ms }) => ms).filter((ms) => ms !== undefined);
  return ages.length === 0 ? undefined : Math.max(...ages);
}

export function runnerSummaryRow(runner) {
  const { slots, busy } = slotsOf(runner);
  const age = pollAge(runner);
  const facts = runner.alive
    ? [`${busy}/${slots} slots`, age === undefined ? null : `poll ${duration(age)} ago`]
    : [runner.running > 0 ? `${runner.running} taken, not final` : null];
  const shown = [...facts, runner.dead > 0 ? `${count(runner.dead)} dead` : null].filter(
    (one) => one !== null,
  );
  return h(
    "tr",
    { class: runner.alive ? "" : "is-gone" },
    h(
      "td",
      {},
      h("a", { href: `/jobs?runner=${runner.id}`, class: "id" }, runner.id),
      h("div", { class: "small faint" }, shown.join(" · ")),
    ),
    h("td", {}, runnerState(runner)),
    h(
      "td",
      { class: "number" },
      runner.queued === 0 ? h("span", { class: "faint" }, "queue empty") : `queue ${count(runner.queued)}`,
    ),
  );
}
