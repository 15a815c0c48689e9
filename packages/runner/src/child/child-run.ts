/**
 * One run of one command, from the launch to the certainty that nothing of it is left. Always comes back: every wait
 * here has an end, whatever the process does.
 */
import type { KillReport } from "@herorunner/job";
import type { CaptureLimits } from "../capture.ts";
import type { Command, Ending, Execution, OutputListener } from "../executor.ts";
import { MaskPatterns } from "../mask.ts";
import type { Clock } from "../ports.ts";
import { askToEnd, killAll, waitUntilGone } from "./ending.ts";
import { type ExecutableCheck, explainFailure, type StartProblem } from "./executable.ts";
import { failureAtFence, type Fence } from "./fence.ts";
import { JobOutput } from "./job-output.ts";
import type { Exit, LaunchedProcess, Launcher } from "./launcher.ts";
import type { ProcessFamily } from "./process-family.ts";
import { type JobKeepers, lookAfter, type StartedJob, withMarker } from "./started-job.ts";
import { StopRequest } from "./stop-request.ts";
import type { WarmProcess } from "./warm-pool.ts";

/** After the main process ended: how long output may stay quiet, and how long it may go on in all. */
const drainQuietMs = 250;
const drainMostMs = 2000;

/** What one executor lends to each of its runs. */
export interface RunSurroundings extends JobKeepers {
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly executables: ExecutableCheck;
  readonly limits: CaptureLimits;
  /** A value for the marker that no other job has. */
  readonly nextMarker: () => string;
  readonly isolation: string;
  /** A process that waits for what `command` is to do, if there is one. */
  readonly takeWarm: (command: Command) => WarmProcess | undefined;
}

export async function runChild(
  around: RunSurroundings,
  command: Command,
  signals: readonly AbortSignal[],
  listener?: OutputListener,
): Promise<Execution> {
  const run = new ChildRun(around, command, listener);
  if (signals.some((signal) => signal.aborted)) return run.notRun({ kind: "aborted" });
  const problem = around.executables.inspect(command.file);
  if (problem !== undefined) return run.notRun(notStarted(problem));
  const abort = (): void => run.stop.request("aborted");
  for (const signal of signals) signal.addEventListener("abort", abort, { once: true });
  try {
    return await run.toTheEnd();
  } finally {
    for (const signal of signals) signal.removeEventListener("abort", abort);
  }
}

class ChildRun {
  readonly stop = new StopRequest();
  readonly #around: RunSurroundings;
  readonly #command: Command;
  readonly #output: JobOutput;
  readonly #startedAtMs: number;
  #lastByteMs = 0;

  constructor(around: RunSurroundings, command: Command, listener: OutputListener | undefined) {
    this.#around = around;
    this.#command = command;
    this.#startedAtMs = around.clock.monotonicMs();
    this.#output = new JobOutput({
      limits: around.limits,
      mask: MaskPatterns.of(command.secrets),
      listener,
    });
  }

  notRun(ending: Ending): Execution {
    return this.#execution(ending, {});
  }

  async toTheEnd(): Promise<Execution> {
    this.#around.watchdog.ensureRunning();
    const warm = this.#around.takeWarm(this.#command);
    if (warm === undefined) return this.#fromTheStart();
    warm.listen((stream, bytes) => this.#take(stream, bytes));
    warm.process.feed(this.#command.warm?.input ?? "");
    return this.#supervise(warm.process, warm.job);
  }

  async #fromTheStart(): Promise<Execution> {
    const { file, args, cwd, stdin, env } = this.#command;
    const marker = this.#around.nextMarker();
    let job: StartedJob | undefined;
    const launch = await this.#around.launcher.launch({
      ...{ file, args, cwd, stdin },
      env: withMarker(env, marker),
      onStarted: (pid, fence, parent) => (job = lookAfter(this.#around, { pid, parent, marker, fence })),
      onBytes: (stream, bytes) => this.#take(stream, bytes),
    });
    if (!launch.ok)
      return this.notRun(notStarted(explainFailure(launch.code, launch.message, { file, cwd })));
    const { process } = launch;
    const { endedCleanly, pid, fence } = process;
    // The short way of most short jobs: over before anybody could look after them, and nothing is left.
    if (endedCleanly !== undefined && job === undefined) {
      process.release();
      const exit = fence?.exit(endedCleanly) ?? endedCleanly;
      return this.#execution(this.#notStartedAtFence(exit, fence) ?? this.#ending(exit), {});
    }
    return this.#supervise(process, job ?? lookAfter(this.#around, { pid, marker, fence }));
  }

  /** Counted before it is kept; the limit asks for an end and the pipe is drained all the same. */
  #take(stream: "out" | "err", bytes: Uint8Array): void {
    this.#lastByteMs = this.#around.clock.monotonicMs();
    this.#output.add(stream, bytes);
    if (this.#output.bytes > this.#command.maxOutputBytes) this.stop.request("output_limit");
  }

  async #supervise(child: LaunchedProcess, job: StartedJob): Promise<Execution> {
    try {
      return await this.#untilNothingIsLeft(child, job);
    } finally {
      child.release();
      job.forget();
    }
  }

  async #untilNothingIsLeft(child: LaunchedProcess, job: StartedJob): Promise<Execution> {
    const { fence } = child;
    const { family } = job;
    const deadline = setTimeout(() => this.stop.request("timeout"), this.#command.timeoutMs);
    let exit: Exit | undefined;
    const ended = child.exit.then((value) => (exit = fence?.exit(value) ?? value));
    await Promise.race([ended, this.stop.requested]);
    clearTimeout(deadline);
    const endedByItself = exit;
    const kill: KillTimes = {};
    if (endedByItself === undefined) {
      kill.askedAtMs = this.#around.clock.now();
      askToEnd(family, fence);
      kill.termAtMs = this.#around.clock.now();
      await waitUntilGone(family, ended, this.#command.killGraceMs);
    } else {
      await this.#drain(child);
    }
    // Looked at in the moment in which it ended; whoever has been asked to end is looked for again.
    const nothingLeft = endedByItself !== undefined && child.leftNothing();
    const survivors = nothingLeft ? [] : await this.#clear(job, fence, kill);
    await waitFor(drainQuietMs, ended);
    await waitFor(drainQuietMs, child.outputEnded);
    const ending = this.#notStartedAtFence(endedByItself, fence) ?? this.#ending(endedByItself);
    return this.#execution(ending, this.#killFacts(ending, family, kill, survivors));
  }

  /** Lets what is still in the pipes come out, and gives helpers that hold them a moment to finish. */
  async #drain(child: LaunchedProcess): Promise<void> {
    const progress = { outputEnded: false };
    const ended = child.outputEnded.then(() => (progress.outputEnded = true));
    const { clock } = this.#around;
    const startMs = clock.monotonicMs();
    this.#lastByteMs = startMs;
    while (!progress.outputEnded) {
      const nowMs = clock.monotonicMs();
      const leftMs = Math.min(this.#lastByteMs + drainQuietMs, startMs + drainMostMs) - nowMs;
      if (leftMs <= 0 || this.stop.cause !== undefined) return;
      await waitFor(leftMs, ended, this.stop.requested);
    }
  }

  /** Kills what is left, if anything is. */
  async #clear(
    { family, sinceMs }: StartedJob,
    fence: Fence | undefined,
    kill: KillTimes,
  ): Promise<readonly number[]> {
    const ageMs = performance.now() - sinceMs;
    if ((fence?.isEmpty() ?? true) && !this.#around.leftovers.anyOf(family, ageMs)) {
      if (kill.askedAtMs !== undefined) kill.goneAtMs = this.#around.clock.now();
      return [];
    }
    kill.askedAtMs ??= this.#around.clock.now();
    kill.killAtMs = this.#around.clock.now();
    const survivors = await killAll(family, fence);
    if (survivors.length === 0) kill.goneAtMs = this.#around.clock.now();
    return survivors.map((member) => member.pid);
  }

  #notStartedAtFence(exit: Exit | undefined, fence: Fence | undefined): Ending | undefined {
    if (fence === undefined || exit === undefined) return undefined;
    const failure = failureAtFence(exit, this.#output.startOfStderr());
    return failure && notStarted(explainFailure(failure.code, failure.message, this.#command));
  }

  #ending(exit: Exit | undefined): Ending {
    // A process can write more than it may and be gone before its output is counted.
    if (exit !== undefined && this.stop.cause !== "output_limit") return exit;
    switch (this.stop.cause) {
      case "timeout":
        return { kind: "timed_out" };
      case "output_limit":
        return { kind: "output_limit" };
      case "aborted":
      case undefined:
        return { kind: "aborted" };
    }
  }

  #killFacts(
    ending: Ending,
    family: ProcessFamily,
    kill: KillTimes,
    survivors: readonly number[],
  ): Partial<Execution["facts"]> {
    const { askedAtMs, ...times } = kill;
    if (askedAtMs === undefined) return {};
    const found = family.found.map(({ pid, ppid, name, via }) => ({ pid, ppid, name, via }));
    const byForce = ending.kind !== "exited" && ending.kind !== "signalled";
    // A second look can show that nothing was left after all.
    if (!byForce && found.length === 0 && survivors.length === 0) return {};
    const reason = byForce ? ending.kind : "left_behind";
    const report: KillReport = { reason, askedAtMs, ...times, found, survivors };
    return { kill: report, ...(!byForce && { reaped: found.length }) };
  }

  #execution(ending: Ending, facts: Partial<Execution["facts"]>): Execution {
    const { output, facts: outputFacts } = this.#output.finish();
    const durationMs = Math.round(this.#around.clock.monotonicMs() - this.#startedAtMs);
    return {
      ending,
      output,
      facts: { durationMs, isolation: this.#around.isolation, ...outputFacts, ...facts },
    };
  }
}

/** The story of a kill, while it is written. */
interface KillTimes {
  askedAtMs?: number;
  termAtMs?: number;
  killAtMs?: number;
  goneAtMs?: number;
}

function notStarted(problem: StartProblem): Ending {
  return { kind: "not_started", ...problem };
}

/**
 * Waits for the first of the promises, `ms` at most, and leaves no timer behind. What came while the event loop was held is
 * heard first: timers run before it.
 */
async function waitFor(ms: number, ...promises: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => (timer = setTimeout(() => setImmediate(resolve), ms)));
  await Promise.race([...promises, passed]);
  clearTimeout(timer);
}
