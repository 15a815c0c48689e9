/** GET /page/stats?runner=R: what the page's plots show, of one runner or of all registered ones together. */
import { addCounts, type EndingCounts, type EndingPeriod, percentileMs, readStats } from "@herorunner/job";
import { type Answer, json } from "../http/answer.ts";
import { runnerOf } from "../http/job-routes.ts";
import { loginFor, type Visit } from "../http/visit.ts";
import { inPortions } from "../store/in-portions.ts";
import type { RunnerRegistry } from "../store/runners.ts";

export async function showStats(visit: Visit): Promise<Answer> {
  await loginFor(visit, "jobs:read");
  const { runners } = visit.app.services;
  const runner = runnerOf(visit.query);
  return json(200, await statsOf(runners, runner === undefined ? await runners.names() : [runner]));
}

export async function statsOf(runners: RunnerRegistry, names: readonly string[]) {
  const [hour, day] = [new Span(), new Span()];
  let nowMs: number | undefined;
  await inPortions(names, async (name) => {
    const keys = runners.keys(name);
    // Counts that somebody broke are no reason to show none of the others.
    const read = await readStats(runners.at(keys), keys).catch(() => undefined);
    if (read === undefined) return;
    nowMs ??= read.nowMs;
    hour.add(read.hour);
    day.add(read.day);
  });
  return { now: nowMs ?? Date.now(), hour: hour.view(), day: day.view() };
}

/** Periods of the same time, of several runners, as one; and all of them together. Only the sums are kept. */
class Span {
  readonly #byStart = new Map<number, EndingCounts>();

  add(periods: readonly EndingPeriod[]): void {
    for (const period of periods) {
      const before = this.#byStart.get(period.fromMs);
      if (before === undefined) this.#byStart.set(period.fromMs, period);
      else if (period.finished + period.failed > 0)
        this.#byStart.set(period.fromMs, addCounts([before, period]));
    }
  }

  view() {
    const periods = [...this.#byStart].sort(([a], [b]) => a - b);
    return {
      total: countsView(addCounts(periods.map(([, counts]) => counts))),
      periods: periods.map(([from, counts]) => ({ from, ...countsView(counts) })),
    };
  }
}

function countsView({ finished, failed, reasons, waiting, duration }: EndingCounts) {
  const times = (counts: EndingCounts["waiting"]) => ({
    p50: percentileMs(counts, 0.5) ?? null,
    p95: percentileMs(counts, 0.95) ?? null,
  });
  return {
    finished,
    failed,
    reasons: Object.fromEntries(reasons),
    waiting: times(waiting),
    duration: times(duration),
  };
}
