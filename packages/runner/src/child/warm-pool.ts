/**
 * Processes that were started ahead of their jobs and wait for their input. One job each, never two; what a job needs to be told
 * beside its script must come with the input. What waits is looked after like a job: it ends with the runner.
 */
import type { BigIntStats } from "node:fs";
import type { WarmTemplate } from "../executor.ts";
import { killAll } from "./ending.ts";
import { isUnchangedFile, lookAtFile } from "./executable.ts";
import type { Launcher, PreparedProcess } from "./launcher.ts";
import { isAlive, readStat } from "./proc.ts";
import { type JobKeepers, lookAfter, type StartedJob, withMarker } from "./started-job.ts";

export interface WarmPoolOptions extends JobKeepers {
  readonly launcher: Launcher;
  readonly nextMarker: () => string;
  readonly template: WarmTemplate;
  /** How many wait at most. */
  readonly count: number;
}

type OutputSink = (stream: "out" | "err", bytes: Uint8Array) => void;

/** Taken out of the pool: its taker ends it, releases it and forgets it. */
export interface WarmProcess {
  readonly process: PreparedProcess;
  readonly job: StartedJob;
  /** Passes on what was written so far and what comes. */
  listen(sink: OutputSink): void;
}

interface Waiting extends WarmProcess {
  /** The program as it was before the launch: newer than what was launched it cannot be. */
  readonly program: BigIntStats | undefined;
}

/** More than this is not kept of what a process writes before it has a job. */
const keptBytes = 64 * 1024;
const besideJobMs = 100;
const firstPauseMs = 500;
const longestPauseMs = 60_000;

export class WarmPool {
  readonly #options: WarmPoolOptions;
  #waiting: Waiting[] = [];
  readonly #preparing = new Set<Promise<void>>();
  #closed = false;
  #pauseMs = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #ending = new Set<Promise<void>>();

  constructor(options: WarmPoolOptions) {
    this.#options = options;
    this.fill();
  }

  get template(): WarmTemplate {
    return this.#options.template;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * One that waits, or undefined. Whatever was started from a program that was replaced since is ended, and nobody gets one that
   * somebody ended a moment ago, of which we have not heard yet.
   */
  take(): WarmProcess | undefined {
    if (this.#waiting.length > 0) this.#discardReplaced();
    let warm = this.#waiting.shift();
    while (warm !== undefined && hasEnded(warm)) {
      this.#discard(warm);
      warm = this.#waiting.shift();
    }
    if (warm !== undefined) this.#pauseMs = 0;
    this.#fillAfter(warm);
    return warm;
  }

  /** When a short job is over, so that the start of the next one does not slow it; soon beside a long one. */
  #fillAfter(taken: WarmProcess | undefined): void {
    const timer = setTimeout(() => this.fill(), besideJobMs);
    timer.unref();
    void taken?.process.exit.then(() => {
      clearTimeout(timer);
      this.fill();
    });
  }

  /** Brings the number of those who wait up to `count`. */
  fill(): void {
    if (this.#closed || this.#timer !== undefined) return;
    const { count } = this.#options;
    for (let missing = count - this.#waiting.length - this.#preparing.size; missing > 0; missing -= 1) {
      const preparing = this.#prepare().then((isWaiting) => {
        this.#preparing.delete(preparing);
        if (!isWaiting) this.#fillLater();
      });
      this.#preparing.add(preparing);
    }
  }

  /** Ends all who wait. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const warm of this.#waiting.splice(0)) this.#discard(warm);
    await Promise.all(this.#preparing);
    await Promise.all(this.#ending);
  }

  async #prepare(): Promise<boolean> {
    const { launcher, nextMarker, template } = this.#options;
    const marker = nextMarker();
    const output = new HeldOutput();
    const program = lookAtFile(template.file);
    let job: StartedJob | undefined;
    const process = await launcher.prepare?.({
      ...template,
      env: withMarker(template.env, marker),
      onStarted: (pid, fence, parent) => (job = lookAfter(this.#options, { pid, parent, marker, fence })),
      onBytes: (stream, bytes) => output.take(stream, bytes),
    });
    if (process === undefined) return false;
    job ??= lookAfter(this.#options, { pid: process.pid, marker, fence: process.fence });
    const warm = { process, job, program, listen: (sink: OutputSink) => output.passTo(sink) };
    if (this.#closed) {
      this.#discard(warm);
      return true;
    }
    this.#waiting.push(warm);
    void process.exit.then(() => this.#ended(warm));
    return true;
  }

  /** It ended without a job. Whoever took it does not care. */
  #ended(warm: Waiting): void {
    if (!this.#waiting.includes(warm)) return;
    this.#waiting = this.#waiting.filter((one) => one !== warm);
    this.#discard(warm);
    this.#fillLater();
  }

  /** A program that cannot wait must not be started over and over. */
  #fillLater(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, firstPauseMs), longestPauseMs);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.fill();
    }, this.#pauseMs);
    this.#timer.unref();
  }

  #discardReplaced(): void {
    const now = lookAtFile(this.template.file);
    const replaced = this.#waiting.filter(({ program }) => !isUnchangedFile(program, now));
    this.#waiting = this.#waiting.filter((warm) => !replaced.includes(warm));
    for (const warm of replaced) this.#discard(warm);
  }

  #discard({ process, job }: WarmProcess): void {
    const ended = killAll(job.family, process.fence).catch(() => undefined);
    const ending = ended.then(() => {
      process.release();
      job.forget();
    });
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
  }
}

function hasEnded({ job: { family } }: WarmProcess): boolean {
  const stat = readStat(family.head.pid);
  return !isAlive(stat) || stat.isEnding || stat.startTicks !== family.head.startTicks;
}

/** What a process writes before anybody listens. */
class HeldOutput {
  #held: { readonly stream: "out" | "err"; readonly bytes: Buffer }[] = [];
  #heldBytes = 0;
  #sink: OutputSink | undefined;

  take(stream: "out" | "err", bytes: Uint8Array): void {
    if (this.#sink !== undefined) return this.#sink(stream, bytes);
    if (this.#heldBytes + bytes.length > keptBytes) return;
    this.#heldBytes += bytes.length;
    this.#held.push({ stream, bytes: Buffer.from(bytes) });
  }

  passTo(sink: OutputSink): void {
    this.#sink = sink;
    for (const { stream, bytes } of this.#held.splice(0)) sink(stream, bytes);
  }
}
