/**
 * The executor of real processes. What it starts it ends: when `run` resolves, nothing of the command is left, as far
 * as the isolation level promises (docs/operations.md has the table).
 */
import { randomBytes } from "node:crypto";
import { type CaptureLimits, defaultCaptureLimits } from "../capture.ts";
import type { Executor } from "../executor.ts";
import { type Clock, systemClock } from "../ports.ts";
import { runChild, type RunSurroundings } from "./child-run.ts";
import { ExecutableCheck } from "./executable.ts";
import type { Launcher } from "./launcher.ts";
import { LeftoverCheck } from "./leftover-check.ts";
import { createPlainLauncher } from "./plain-launcher.ts";

export interface ChildExecutorOptions {
  readonly clock?: Clock;
  /** How processes are made; closed with the executor. Default: one spawn for each. */
  readonly launcher?: Launcher;
  /** How much of each stream is kept. Default 512 KiB of its head and of its tail. */
  readonly captureLimits?: CaptureLimits;
}

/** The caller closes it. Use it on the main thread only. */
export function createChildExecutor(options: ChildExecutorOptions = {}): Executor {
  const launcher = options.launcher ?? createPlainLauncher();
  const leftovers = new LeftoverCheck();
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  const around: RunSurroundings = {
    launcher,
    leftovers,
    clock: options.clock ?? systemClock,
    executables: new ExecutableCheck(),
    limits: options.captureLimits ?? defaultCaptureLimits,
    markerPrefix: `${randomBytes(8).toString("hex")}.`,
    isolation: "group",
    makeFence: undefined,
    watch: () => () => undefined,
  };
  return {
    run: (command, signal, onOutput) => {
      const run = runChild(around, command, [signal, closing.signal], onOutput);
      running.add(run);
      return run.finally(() => running.delete(run));
    },
    close: async () => {
      closing.abort();
      await Promise.allSettled(running);
      await launcher.close();
      leftovers.close();
    },
  };
}
