/** What a supervisor counts, and what it looks up when somebody scrapes. */
import type { BuildInfo, Metrics, Sample, SpanCounts } from "@herorunner/daemon";
import { limitNames, metricTable as table } from "./metric-table.ts";
import type { RedisWatch, WatchedRedis, WatchedRunner } from "./store/redis-watch.ts";

export type SubmitOutcome = (typeof table.jobs.labels.outcome)[number];

export interface SupervisorCounters {
  readonly call: (method: string | undefined, code: number, durationMs: number) => void;
  readonly submitted: (outcome: SubmitOutcome) => void;
  readonly wrongKey: () => void;
  /** A request was answered with 429; `reason` as the caller is told it. */
  readonly limited: (reason: string) => void;
  readonly reconnected: () => void;
}

export function createCounters(metrics: Metrics): SupervisorCounters {
  const calls = metrics.counter(table.calls);
  const durations = metrics.histogram(table.durations);
  const jobs = metrics.counter(table.jobs);
  const wrongKeys = metrics.counter(table.wrongKeys);
  const limited = metrics.counter(table.limited);
  const reconnects = metrics.counter(table.reconnects);
  return {
    call: (method = "unknown", code, durationMs) => {
      calls.inc({ method, code: String(code) });
      durations.observe({ method }, durationMs / 1000);
    },
    submitted: (outcome) => jobs.inc({ outcome }),
    wrongKey: () => wrongKeys.inc({}),
    limited: (reason) => limited.inc({ limit: limitNames.find((known) => known === reason) ?? "busy" }),
    reconnected: () => reconnects.inc({}),
  };
}

export interface Watched {
  readonly build: BuildInfo;
  readonly redis: RedisWatch;
  readonly streams: { readonly count: number; readonly opened: number };
  readonly connections: () => number;
  readonly spans: () => SpanCounts;
}

/** Values that are looked up at each scrape, and at no other time. */
export function watchSupervisor(metrics: Metrics, watched: Watched): void {
  const { build, redis, streams, connections, spans } = watched;
  metrics.gauge(table.build, () => {
    const { version, commit = "unknown" } = build;
    return [{ labels: { version, commit, node: process.version }, value: 1 }];
  });
  metrics.gauge(table.streams, () => streams.count);
  metrics.counter(table.streamsOpened, () => streams.opened);
  metrics.gauge(table.connections, connections);
  metrics.counter(table.spans, () => {
    const counts = spans();
    return (["sent", "dropped"] as const).map((result) => ({ labels: { result }, value: counts[result] }));
  });
  const fact = (pick: (found: WatchedRedis) => number | undefined) => async () => {
    const found = await redis.look();
    return found && pick(found);
  };
  metrics.gauge(table.redisUp, async () => ((await redis.look()) === undefined ? 0 : 1));
  metrics.gauge(
    table.redisWritable,
    fact(({ writable }) => (writable ? 1 : 0)),
  );
  metrics.gauge(
    table.redisMemory,
    fact(({ memoryBytes }) => memoryBytes),
  );
  metrics.gauge(
    table.redisMaxMemory,
    fact(({ maxMemoryBytes }) => maxMemoryBytes),
  );
  watchRunners(metrics, redis);
}

function watchRunners(metrics: Metrics, redis: RedisWatch): void {
  type OfRunners = readonly Sample<{ readonly runner: string }>[];
  const perRunner = (pick: (runner: WatchedRunner) => number) => async (): Promise<OfRunners | undefined> =>
    (await redis.look())?.runners.map((runner) => ({ labels: { runner: runner.id }, value: pick(runner) }));
  metrics.gauge(
    table.alive,
    perRunner(({ alive }) => (alive ? 1 : 0)),
  );
  metrics.gauge(
    table.oldest,
    perRunner(({ oldestMs }) => oldestMs / 1000),
  );
  metrics.gauge(table.runnerJobs, async () =>
    (await redis.look())?.runners.flatMap((runner) =>
      table.runnerJobs.labels.state.map((state) => ({
        labels: { runner: runner.id, state },
        value: runner[state],
      })),
    ),
  );
}
