/** The figures of a runner, named once. Names and units follow Prometheus' conventions. */
import type { Metrics } from "@herorunner/daemon";
import type { RunnerEvent, RunnerHealth } from "@herorunner/runner";
import type { PollWatch } from "./poll-watch.ts";

const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

/** Turns events into counts. Costs nothing while nobody scrapes. */
export function countEvent(metrics: Metrics): (event: RunnerEvent) => void {
  const claims = metrics.counter({ name: "herorunner_claims_total", help: "Jobs taken from the queue." });
  const outcomes = metrics.counter({
    name: "herorunner_jobs_total",
    help: "Jobs that came to their end here, by status and reason.",
    labelNames: ["status", "reason"],
  });
  const durations = metrics.histogram({
    name: "herorunner_job_duration_seconds",
    help: "Life of the processes of jobs.",
    buckets: durationBuckets,
  });
  const output = metrics.counter({
    name: "herorunner_job_output_bytes_total",
    help: "Bytes that jobs wrote, kept or not.",
  });
  const fenced = metrics.counter({
    name: "herorunner_fenced_total",
    help: "Results that the queue refused because the claim had moved on.",
  });
  const reclaimed = metrics.counter({
    name: "herorunner_reclaimed_total",
    help: "Jobs of dead runners that this one took care of, by what became of them.",
    labelNames: ["answer"],
  });
  return (event) => {
    switch (event.kind) {
      case "admitted":
        return claims.inc();
      case "settled": {
        const { outcome } = event;
        outcomes.inc({ status: outcome.kind, reason: outcome.kind === "error" ? outcome.reason : "" });
        if (outcome.facts?.durationMs !== undefined) durations.observe({}, outcome.facts.durationMs / 1000);
        if (outcome.output !== undefined)
          output.inc({}, outcome.output.stdoutBytes + outcome.output.stderrBytes);
        return;
      }
      case "lost":
        return fenced.inc();
      case "reclaimed":
        return reclaimed.inc({ answer: event.answer });
      case "waiting":
      case "started":
      case "released":
      case "unsettled":
    }
  };
}

/** Values that are asked for at each scrape; `health` answers nothing before the runner lives. */
export function watchRunner(
  metrics: Metrics,
  health: () => RunnerHealth | undefined,
  polls: PollWatch,
): void {
  metrics.gauge({
    name: "herorunner_slots",
    help: "Jobs that may run at once.",
    collect: () => health()?.slots ?? 0,
  });
  metrics.gauge({
    name: "herorunner_slots_busy",
    help: "Jobs that run now.",
    collect: () => health()?.busy ?? 0,
  });
  metrics.gauge({
    name: "herorunner_last_poll_age_seconds",
    help: "Time since the queue last answered a wait for jobs; -1 before the first answer.",
    collect: () => {
      const age = polls.ageMs();
      return age === undefined ? -1 : age / 1000;
    },
  });
}
