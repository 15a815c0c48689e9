/** What makes a runner visible: counters, checks and the server of `--listen`. Without it everything here costs nothing. */
import { type Metrics, noMetrics, openMetrics, type Shutdown, type SpanCounts } from "@herorunner/daemon";
import type { IsolationLevel } from "@herorunner/runner";
import { type Checked, healthOf, type LiveState, openHealth, readinessOf } from "./health.ts";
import { createCounters, type RunnerCounters } from "./metrics.ts";
import type { Parts } from "./parts.ts";
import type { PollWatch } from "./poll-watch.ts";
import { openQueueWatch } from "./queue-watch.ts";
import { build, version } from "./version.ts";
import { watchRunner } from "./watch.ts";

export interface Observed {
  readonly parts: Parts;
  readonly live: LiveState;
  readonly polls: PollWatch;
  readonly isolation: IsolationLevel;
  readonly shutdown: Shutdown;
  readonly spans: () => SpanCounts;
}

/** Throws StartRefused when the address of `--listen` cannot be had. */
export async function openObservation(observed: Observed): Promise<RunnerCounters> {
  const { parts, shutdown } = observed;
  const { listen } = parts.config;
  if (listen === undefined) return createCounters(noMetrics);
  const metrics = await openMetrics();
  const counters = createCounters(metrics);
  const { live, polls } = observed;
  const checked: Checked = { live, polls, trust: parts.trust, version };
  watch(metrics, observed, checked);
  const health = await openHealth({
    ...{ listen, metrics, logger: parts.logger },
    healthy: () => healthOf(checked),
    ready: () => readinessOf(checked),
  });
  shutdown.onCleanUp("health", () => health.close());
  return counters;
}

function watch(metrics: Metrics, observed: Observed, checked: Checked): void {
  const { parts, live, polls, isolation, shutdown, spans } = observed;
  const { config, target, tlsCa, trust } = parts;
  const { runnerId, keyPrefix } = config;
  const tls = tlsCa === undefined ? {} : { tlsCa };
  const queue = openQueueWatch({ target, runner: runnerId, keyPrefix, ...tls });
  shutdown.onCleanUp("metrics", () => queue.close());
  watchRunner(metrics, {
    ...{ runnerId, build, isolation, polls, trust, spans },
    launcher: () => live.launcher?.() ?? { servers: 0, lost: 0 },
    health: () => live.handle?.health(),
    ready: () => readinessOf(checked),
    queue: queue.watch,
  });
}
