/** GET /page/stats?runner=R: what the page's plots show, of one runner or of all registered ones together. */
import { addCounts, type EndingCounts, type EndingPeriod, percentileMs, readStats } from "@herorunner/job";
import { type Answer, json } from "../http/answer.ts";
import { runnerOf } from "../http/job-routes.ts";
import { loginFor, type Visit } from "../http/visit.ts";

export async function showStats(visit: Visit): Promise<Answer> {
  await loginFor(visit, "jobs:read");
  const { runners } = visit.app.services;
  const runner = runnerOf(visit.query);
  const names = runner === undefined ? await runners.names() : [runner];
  const all = await Promise.all(
    names.map(async (name) => {
      const keys = runners.keys(name);
      // Counts that somebody broke are no reason to show none of the others.
      return readStats(runners.at(keys), keys).catch(() => undefined);
    }),
  );
  const read = all.filter((one) => one !== undefined);
  const nowMs = read[0]?.nowMs ?? Date.now();
  return json(200, {
    now: nowMs,
    hour: spanView(read.map(({ hour }) => hour)),
    day: spanView(read.map(({ day }) => day)),
  });
}

/** Periods of the same time, of several runners, as one; and all of them together. */
function spanView(spans: readonly (readonly EndingPeriod[])[]) {
  const byStart = new Map<number, EndingCounts[]>();
  for (const period of spans.flat()) {
    const same = byStart.get(period.fromMs) ?? [];
    same.push(period);
    byStart.set(period.fromMs, same);
  }
  const periods = [...byStart]
    .sort(([a], [b]) => a - b)
    .map(([from, counts]) => [from, addCounts(counts)] as const);
  return {
    total: countsView(addCounts(periods.map(([, counts]) => counts))),
    periods: periods.map(([from, counts]) => ({ from, ...countsView(counts) })),
  };
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
