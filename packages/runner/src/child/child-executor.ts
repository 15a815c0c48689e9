/**
 * The executor of real processes. What it starts it ends: when `run` resolves, nothing of the command is left, as far
 * as the isolation level promises (docs/operations.md has the table).
 */
import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import { type CaptureLimits, defaultCaptureLimits } from "../capture.ts";
import type { Executor, WarmTemplate } from "../executor.ts";
import { type Clock, type Logger, systemClock } from "../ports.ts";
import { runChild, type RunSurroundings } from "./child-run.ts";
import { ExecutableCheck } from "./executable.ts";
import type { FenceMaker } from "./fence.ts";
import {
  type ChosenIsolation,
  chooseIsolation,
  type IsolationLevel,
  type IsolationWish,
} from "./isolation.ts";
import type { Launcher } from "./launcher.ts";
import { LeftoverCheck } from "./leftover-check.ts";
import { createPlainLauncher } from "./plain-launcher.ts";
import { keepSpareDescriptor } from "./spare-descriptor.ts";
import { markerName } from "./started-job.ts";
import { WarmPool } from "./warm-pool.ts";
import { Watchdog } from "./watchdog.ts";

export interface ChildExecutorOptions {
  readonly clock?: Clock;
  /** How processes are made, and put into fences where the level has them; closed with the executor. Default: one spawn for each. */
  readonly makeLauncher?: (fences: FenceMaker | undefined) => Launcher;
  /** How much of each stream is kept. Default 512 KiB of its head and of its tail. */
  readonly captureLimits?: CaptureLimits;
}

export interface CreateExecutorOptions extends ChildExecutorOptions {
  readonly isolation: IsolationWish;
  /** Is told the level and why it was taken. */
  readonly logger?: Logger;
}

export interface ChildExecutor extends Executor {
  readonly isolation: IsolationLevel;
  /**
   * Keeps `count` processes waiting from now on, for commands that name this template; those of an earlier one are ended.
   * Does nothing with a launcher that cannot let processes wait.
   */
  keepWarm(template: WarmTemplate, count: number): void;
  /** How many processes wait now. */
  readonly warmCount: number;
}

/** Throws IsolationUnavailable when the level asked for cannot be had. The caller closes it. Main thread only. */
export async function createExecutor(options: CreateExecutorOptions): Promise<ChildExecutor> {
  const chosen = await chooseIsolation(options.isolation);
  options.logger?.info({ isolation: chosen.level, why: chosen.reason }, "isolation of jobs");
  return childExecutor(options, chosen);
}

/** An executor of level `group`, which needs nothing and is there at once. The caller closes it. Main thread only. */
export function createChildExecutor(options: ChildExecutorOptions = {}): ChildExecutor {
  return childExecutor(options, { level: "group", fences: undefined, reason: "" });
}

function childExecutor(options: ChildExecutorOptions, { level, fences }: ChosenIsolation): ChildExecutor {
  keepSpareDescriptor();
  const launcher = (options.makeLauncher ?? createPlainLauncher)(fences);
  const leftovers = new LeftoverCheck();
  const closing = new AbortController();
  // Every running job listens to it.
  setMaxListeners(0, closing.signal);
  const running = new Set<Promise<unknown>>();
  let pool: WarmPool | undefined;
  const markerPrefix = `${randomBytes(8).toString("hex")}.`;
  let jobCount = 0;
  const watchdog = new Watchdog({
    markerPrefix: `${markerName}=${markerPrefix}`,
    ...(fences?.cgroup !== undefined && { cgroup: fences.cgroup }),
  });
  // A control group must not outlive us, used or not.
  if (fences?.cgroup !== undefined) watchdog.ensureRunning();
  const around: RunSurroundings = {
    launcher,
    leftovers,
    watchdog,
    isolation: level,
    // The random part is secret to no job: a job that forges a marker only marks itself.
    nextMarker: () => `${markerPrefix}${(jobCount++).toString(16).padStart(8, "0")}`,
    clock: options.clock ?? systemClock,
    executables: new ExecutableCheck(),
    limits: options.captureLimits ?? defaultCaptureLimits,
    takeWarm: ({ warm }) =>
      warm !== undefined && warm.template === pool?.template ? pool.take() : undefined,
  };
  return {
    isolation: level,
    keepWarm: (template, count) => {
      if (launcher.prepare === undefined || closing.signal.aborted) return;
      if (pool !== undefined) running.add(pool.close());
      pool = new WarmPool({ ...around, template, count });
    },
    get warmCount() {
      return pool?.waiting ?? 0;
    },
    run: (command, signal, onOutput) => {
      const run = runChild(around, command, [signal, closing.signal], onOutput);
      running.add(run);
      return run.finally(() => running.delete(run));
    },
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      await Promise.allSettled([...running, pool?.close()]);
      await Promise.all([launcher.close(), watchdog.close()]);
      leftovers.close();
      await fences?.close();
    },
  };
}
