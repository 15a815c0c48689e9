/**
 * How a daemon stops. Signals of the process become two AbortSignals that are passed down: `draining` (take no more work)
 * and `aborting` (stop the work too). Clean-ups run in order, each even when the one before failed. Whatever hangs, the
 * process ends, and says what it was waiting for. No module state; `finish` is the one place that ends the process.
 */
import type { Logger } from "./logger.ts";

/** The part of Node's `process` that stopping needs. */
export interface ProcessPort {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
  exitCode?: number | string | null | undefined;
  /** What keeps the process alive, for the watchdog's last words. */
  getActiveResourcesInfo?(): readonly string[];
}

export interface ShutdownOptions {
  readonly process: ProcessPort;
  readonly logger: Logger;
  /** From `draining` to `aborting`, milliseconds. */
  readonly drainTimeoutMs: number;
  /** From `aborting` to the watchdog, milliseconds: long enough to end the work and store its outcome. */
  readonly abortTimeoutMs: number;
  /** From `finish` to the watchdog, milliseconds; 10 s unless given. */
  readonly cleanUpTimeoutMs?: number;
  /** The exit code when the watchdog or a third signal ends the process. */
  readonly forcedExitCode: number;
  /** SIGHUP. What it throws is logged and changes nothing. Without it SIGHUP drains like SIGTERM. */
  readonly onReload?: () => void | Promise<void>;
  /** What is still going on, for the watchdog: "job 42". */
  readonly stillOpen?: () => readonly string[];
}

export interface Shutdown {
  /** Aborts when no more work may be taken. Its reason is a sentence. */
  readonly draining: AbortSignal;
  /** Aborts when running work must stop. Never before `draining`. */
  readonly aborting: AbortSignal;
  /** Does what the first signal does. */
  drain(reason: string): void;
  /** Does what the second signal does. */
  abort(reason: string): void;
  /** Registers a clean-up. The one registered last runs first, so that things close in the reverse order of opening. */
  onCleanUp(name: string, cleanUp: () => void | Promise<void>): void;
  /**
   * Runs the clean-ups and lets the process end with `exitCode` by itself. When something still keeps it alive a moment
   * later, the watchdog names it and exits with the same code. A second call waits for the first and changes nothing.
   */
  finish(exitCode: number): Promise<void>;
}

/** How long a finished process may linger on forgotten handles, or on a slow reader of its log. */
const LINGER_MS = 2000;

/** Starts to listen for signals. Nothing else listens for them in a program of ours. */
export function createShutdown(options: ShutdownOptions): Shutdown {
  return new ProcessShutdown(options);
}

class ProcessShutdown implements Shutdown {
  readonly draining: AbortSignal;
  readonly aborting: AbortSignal;
  readonly #options: ShutdownOptions;
  readonly #draining = new AbortController();
  readonly #aborting = new AbortController();
  readonly #cleanUps: { readonly name: string; readonly run: () => void | Promise<void> }[] = [];
  #drainTimer: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #waitingFor: readonly string[] = [];
  #reloading = Promise.resolve();
  #finished: Promise<void> | undefined;

  constructor(options: ShutdownOptions) {
    this.#options = options;
    this.draining = this.#draining.signal;
    this.aborting = this.#aborting.signal;
    options.process.on("SIGTERM", this.#onStopSignal);
    options.process.on("SIGINT", this.#onStopSignal);
    options.process.on("SIGHUP", this.#onHangUp);
  }

  readonly #onStopSignal = (signal: NodeJS.Signals): void => {
    if (!this.draining.aborted) this.drain(signal);
    else if (!this.aborting.aborted) this.abort(`second signal, ${signal}`);
    else this.#exitNow(`third signal, ${signal}`);
  };

  readonly #onHangUp = (signal: NodeJS.Signals): void => {
    const { onReload, logger } = this.#options;
    if (onReload === undefined) {
      if (!this.draining.aborted) this.drain(signal);
      return;
    }
    // One after the other: two reloads at once could end with the older content.
    this.#reloading = this.#reloading.then(async () => {
      try {
        await onReload();
      } catch (error) {
        logger.error({ error }, "reload failed, nothing has changed");
      }
    });
  };

  drain(reason: string): void {
    if (this.draining.aborted) return;
    const { drainTimeoutMs, logger } = this.#options;
    logger.info({ reason, drain_timeout_ms: drainTimeoutMs }, "draining, no more work is taken");
    if (this.#finished === undefined) {
      this.#drainTimer = setTimeout(() => this.abort("drain timeout"), drainTimeoutMs);
    }
    this.#draining.abort(new Error(`draining: ${reason}`));
  }

  abort(reason: string): void {
    if (this.aborting.aborted) return;
    this.drain(reason);
    clearTimeout(this.#drainTimer);
    const { abortTimeoutMs, logger } = this.#options;
    logger.info({ reason }, "aborting, running work is stopped");
    if (this.#finished === undefined) this.#watch(abortTimeoutMs);
    this.#aborting.abort(new Error(`aborting: ${reason}`));
  }

  onCleanUp(name: string, cleanUp: () => void | Promise<void>): void {
    this.#cleanUps.push({ name, run: cleanUp });
  }

  finish(exitCode: number): Promise<void> {
    this.#finished ??= this.#finish(exitCode);
    return this.#finished;
  }

  async #finish(exitCode: number): Promise<void> {
    const { process, logger, cleanUpTimeoutMs = 10_000 } = this.#options;
    clearTimeout(this.#drainTimer);
    process.exitCode = exitCode;
    this.#watch(cleanUpTimeoutMs);
    for (let step = this.#cleanUps.pop(); step !== undefined; step = this.#cleanUps.pop()) {
      this.#waitingFor = [step.name, ...this.#cleanUps.map(({ name }) => name).toReversed()];
      try {
        await step.run();
      } catch (error) {
        logger.error({ step: step.name, error }, "clean-up failed");
      }
    }
    this.#waitingFor = [];
    process.off("SIGHUP", this.#onHangUp);
    // Nothing is left to do: the process ends by itself unless somebody forgot to close something.
    this.#watch(LINGER_MS, exitCode).unref();
  }

  #watch(timeoutMs: number, exitCode?: number): NodeJS.Timeout {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#exitNow("did not stop in time", exitCode), timeoutMs);
    return this.#watchdog;
  }

  #exitNow(reason: string, exitCode = this.#options.forcedExitCode): void {
    const { process, logger, stillOpen } = this.#options;
    const fields = {
      reason,
      exit_code: exitCode,
      waiting_for: this.#waitingFor,
      handles: process.getActiveResourcesInfo?.(),
    };
    try {
      logger.error({ ...fields, still_open: stillOpen?.() }, "process ends now");
    } finally {
      process.exit(exitCode);
    }
  }
}
