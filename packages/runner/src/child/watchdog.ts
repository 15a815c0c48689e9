/**
 * Ends the jobs when the runner is gone without a word: SIGKILL, out of memory, a crash. A shell of one megabyte waits
 * on a pipe from us; when the pipe closes without "bye" it kills every process group that is written down in a shared
 * table, their descendants, and every process with our marker. Needs no privilege.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { openScratch } from "./nameless-file.ts";
import { watchdogScript } from "./watchdog-script.ts";

const recordBytes = 40;
/** So many jobs at once have a line that cannot fail for want of room. */
const recordsAhead = 256;
/** Where it could not be started. */
const retryAfterMs = 500;

export interface WatchdogOptions {
  /** `NAME=value` as it begins in the environment of all our jobs. */
  readonly markerPrefix: string;
  /** A cgroup whose processes are to be killed as a whole. */
  readonly cgroup?: string;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  /** One fixed-length line for each running job. Rewritten in place, so that the watchdog need not be woken. */
  readonly #table: number;
  readonly #freeRecords: number[] = [];
  #recordCount = 0;
  #shell: ChildProcess | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#table = openScratch(Buffer.from(lineOf("").repeat(recordsAhead), "latin1"));
  }

  /** Starts the shell, or starts it again should somebody have ended it. */
  ensureRunning(): void {
    if (this.#closed || this.#shell !== undefined) return;
    const shell = this.#start();
    if (shell === undefined) {
      this.#tryLater();
      return;
    }
    this.#shell = shell;
    shell.on("exit", () => {
      this.#shell = undefined;
      this.#ensureForJobs();
    });
    shell.stdin?.on("error", () => undefined);
    shell.unref();
    // A pipe of spawn is a Socket, typed as a Writable.
    if (shell.stdin !== null && "unref" in shell.stdin) (shell.stdin as { unref(): void }).unref();
  }

  /** Undefined: no descriptors, no memory, no processes left. */
  #start(): ChildProcess | undefined {
    const { markerPrefix, cgroup = "" } = this.#options;
    try {
      const shell = spawn("/bin/sh", ["-c", watchdogScript, "herorunner-watchdog", markerPrefix, cgroup], {
        cwd: "/",
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
        stdio: ["pipe", "ignore", "ignore", this.#table],
        // Not to be reached by what ends the group of the runner.
        detached: true,
      });
      shell.on("error", () => undefined);
      return shell.pid === undefined ? undefined : shell;
    } catch {
      return undefined; // what Node throws and does not tell by an event: ENOMEM
    }
  }

  /** The jobs that run must not be without it, whoever has ended it. */
  #ensureForJobs(): void {
    if (this.#recordCount > this.#freeRecords.length) this.ensureRunning();
  }

  #tryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#ensureForJobs();
    }, retryAfterMs);
    this.#retry.unref();
  }

  /** Writes a job down; answers how to strike it out. */
  watch(pid: number, startTicks: number): () => void {
    const record = this.#freeRecords.pop() ?? this.#recordCount++;
    try {
      this.#write(record, `${pid} ${startTicks}`);
    } catch {
      // No room for another line. By its marker it is found all the same.
    }
    return () => {
      try {
        this.#write(record, "");
      } catch {
        // It was never written, for there was no room.
      }
      this.#freeRecords.push(record);
    };
  }

  /** Ends the watchdog in peace. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    const shell = this.#shell;
    if (shell !== undefined) {
      const gone = new Promise((resolve) => shell.once("exit", resolve));
      shell.ref();
      shell.stdin?.end("bye\n");
      await gone;
    }
    closeSync(this.#table);
  }

  get pid(): number | undefined {
    return this.#shell?.pid;
  }

  #write(record: number, text: string): void {
    writeSync(this.#table, lineOf(text), record * recordBytes, "latin1");
  }
}

function lineOf(text: string): string {
  return `${text.padEnd(recordBytes - 1)}\n`;
}
