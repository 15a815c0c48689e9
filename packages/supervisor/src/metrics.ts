/** What a supervisor counts. */
import type { Counter, Gauge, Histogram, Logger, Metrics } from "@herorunner/daemon";
import type { Streams } from "./sse/streams.ts";
import type { RunnerRegistry } from "./store/runners.ts";

interface Sources {
  readonly runners: RunnerRegistry;
  readonly streams: Streams;
  readonly logger: Logger;
}

/** A registry with thousands of runners would drown whoever scrapes. */
const maxRunners = 1_000;

export class SupervisorMetrics {
  readonly registry: Metrics;
  readonly #sources: Sources;
  readonly #calls: Counter;
  readonly #durations: Histogram;
  readonly #wrongKeys: Counter;
  readonly #alive: Gauge;
  readonly #jobs: Gauge;
  readonly #shown = new Set<string>();

  constructor(registry: Metrics, sources: Sources) {
    this.registry = registry;
    this.#sources = sources;
    this.#calls = registry.counter({
      name: "herosupervisor_calls_total",
      help: "Calls by method and error code, 0 for none.",
      labelNames: ["method", "code"],
    });
    this.#durations = registry.histogram({
      name: "herosupervisor_call_duration_seconds",
      help: "How long calls took, waits included.",
      labelNames: ["method"],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300],
    });
    this.#wrongKeys = registry.counter({
      name: "herosupervisor_wrong_keys_total",
      help: "Requests with a key that is not valid.",
    });
    registry.gauge({
      name: "herosupervisor_streams",
      help: "Open event streams.",
      collect: () => sources.streams.count,
    });
    this.#alive = registry.gauge({
      name: "herosupervisor_runner_alive",
      help: "1 when a process of this registered runner was heard of in the last 15 s.",
      labelNames: ["runner"],
    });
    this.#jobs = registry.gauge({
      name: "herosupervisor_runner_jobs",
      help: "Jobs of a registered runner: queued, running, dead.",
      labelNames: ["runner", "state"],
    });
  }

  call(method: string | undefined, code: number, durationMs: number): void {
    const name = method ?? "unknown";
    this.#calls.inc({ method: name, code });
    this.#durations.observe({ method: name }, durationMs / 1000);
  }

  wrongKey(): void {
    this.#wrongKeys.inc();
  }

  /** Asks Redis for the figures of the runners. What it does not tell keeps its old value. */
  async refresh(): Promise<void> {
    try {
      const runners = (await this.#sources.runners.list()).slice(0, maxRunners);
      const gone = new Set(this.#shown);
      for (const { id: runner, alive, queued, running, dead } of runners) {
        gone.delete(runner);
        this.#show(runner, { alive: alive ? 1 : 0, queued, running, dead });
      }
      for (const runner of gone) {
        this.#show(runner, { alive: Number.NaN, queued: Number.NaN, running: Number.NaN, dead: Number.NaN });
      }
    } catch (error) {
      this.#sources.logger.debug({ error }, "runners could not be counted");
    }
  }

  #show(runner: string, figures: { alive: number; queued: number; running: number; dead: number }): void {
    this.#shown.add(runner);
    const { alive, ...jobs } = figures;
    this.#alive.set({ runner }, alive);
    for (const [state, count] of Object.entries(jobs)) this.#jobs.set({ runner, state }, count);
  }
}
