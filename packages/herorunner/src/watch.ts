/** Values that are looked up at each scrape, and at no other time. */
import type { BuildInfo, Metrics, Sample, SpanCounts, Verdict } from "@herorunner/daemon";
import type { IsolationLevel, RunnerHealth } from "@herorunner/runner";
import { metricTable as table, troubleCodes } from "./metric-table.ts";
import type { PollWatch } from "./poll-watch.ts";
import type { QueueWatch, WatchedFigures } from "./queue-watch.ts";
import type { TrustSource } from "./trust-source.ts";

/** What starts jobs, at this moment. */
export interface LauncherFacts {
  /** Spawn servers that live; without any, jobs are started plainly. */
  readonly servers: number;
  /** Spawn servers that were lost so far. */
  readonly lost: number;
}

export interface Watched {
  readonly runnerId: string;
  readonly build: BuildInfo;
  readonly isolation: IsolationLevel;
  readonly launcher: () => LauncherFacts;
  /** Undefined before the runner lives. */
  readonly health: () => RunnerHealth | undefined;
  readonly ready: () => Verdict;
  readonly polls: Pick<PollWatch, "ageMs" | "silentMs">;
  readonly trust: TrustSource;
  readonly queue: QueueWatch;
  readonly spans: () => SpanCounts;
  /** Wall clock, ms. */
  readonly now?: () => number;
}

export function watchRunner(metrics: Metrics, watched: Watched): void {
  watchProcess(metrics, watched);
  watchSlots(metrics, watched);
  watchTrust(metrics, watched);
  watchQueue(metrics, watched);
}

function watchProcess(metrics: Metrics, watched: Watched): void {
  const { runnerId, build, isolation, launcher, trust, spans } = watched;
  metrics.gauge(table.build, () => {
    const { version, commit = "unknown" } = build;
    return [{ labels: { version, commit, node: process.version }, value: 1 }];
  });
  metrics.gauge(table.info, () => {
    const { mode: signatures } = trust.current();
    const started = launcher().servers > 0 ? ("spawn_server" as const) : ("plain" as const);
    return [{ labels: { runner: runnerId, isolation, launcher: started, signatures }, value: 1 }];
  });
  metrics.gauge(table.launcherServers, () => launcher().servers);
  metrics.counter(table.launcherLost, () => launcher().lost);
  metrics.counter(table.spans, () => {
    const counts = spans();
    return (["sent", "dropped"] as const).map((result) => ({ labels: { result }, value: counts[result] }));
  });
}

function watchSlots(metrics: Metrics, { health, ready, polls }: Watched): void {
  metrics.gauge(table.ready, () => (ready().reasons.length === 0 ? 1 : 0));
  metrics.gauge(table.paused, () => (health()?.paused === true ? 1 : 0));
  metrics.gauge(table.draining, () => (health()?.draining === true ? 1 : 0));
  metrics.gauge(table.slots, () => health()?.slots ?? 0);
  metrics.gauge(table.busy, () => health()?.busy ?? 0);
  metrics.gauge(table.lastPoll, () => inSeconds(polls.ageMs()));
  metrics.gauge(table.silence, () => {
    const runner = health();
    return runner !== undefined && asks(runner) ? polls.silentMs() / 1000 : 0;
  });
  metrics.gauge(table.trouble, () => {
    const trouble = health()?.troubleCode?.toLowerCase();
    return troubleCodes.map((code) => ({ labels: { code }, value: code === trouble ? 1 : 0 }));
  });
}

/** A full or paused runner does not ask for jobs, and that is right. */
export function asks({ busy, slots, paused, draining }: RunnerHealth): boolean {
  return busy < slots && !paused && !draining;
}

function watchTrust(metrics: Metrics, { trust, now = Date.now }: Watched): void {
  metrics.counter(table.trustReloads, () => {
    const { ok, failed } = trust.state().reloads;
    return [
      { labels: { result: "ok" }, value: ok },
      { labels: { result: "failed" }, value: failed },
    ] as const;
  });
  metrics.gauge(table.trustCurrent, () => (trust.state().problem === undefined ? 1 : 0));
  metrics.gauge(table.trustSigners, () => {
    const { signers } = trust.state();
    if (signers === undefined) return undefined;
    const nowSeconds = now() / 1000;
    const count = { past: 0, current: 0, future: 0 };
    for (const { notBeforeSeconds = -Infinity, notAfterSeconds = Infinity } of signers) {
      count[notAfterSeconds < nowSeconds ? "past" : notBeforeSeconds > nowSeconds ? "future" : "current"] +=
        1;
    }
    return (["past", "current", "future"] as const).map((dates) => ({
      labels: { dates },
      value: count[dates],
    }));
  });
  metrics.gauge(table.trustNextEnd, () => {
    const ends = (trust.state().signers ?? []).flatMap(({ notAfterSeconds }) => notAfterSeconds ?? []);
    const ahead = ends.filter((end) => end >= now() / 1000);
    return ahead.length === 0 ? undefined : Math.min(...ahead);
  });
}

function watchQueue(metrics: Metrics, { queue, runnerId: runner }: Watched): void {
  type OfQueue = readonly Sample<{ readonly runner: string }>[];
  const figure = (pick: (figures: WatchedFigures) => number) => async (): Promise<OfQueue | undefined> => {
    const figures = await queue.figures();
    return figures && [{ labels: { runner }, value: pick(figures) }];
  };
  metrics.gauge(table.redisUp, async () => ((await queue.figures()) === undefined ? 0 : 1));
  metrics.gauge(
    table.queueWaiting,
    figure(({ waiting }) => waiting),
  );
  metrics.gauge(
    table.queueOldest,
    figure(({ oldestMs }) => oldestMs / 1000),
  );
  metrics.gauge(
    table.queueActive,
    figure(({ active }) => active),
  );
  metrics.gauge(
    table.queueDead,
    figure(({ dead }) => dead),
  );
  metrics.gauge(
    table.queueInstances,
    figure(({ instances }) => instances),
  );
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
