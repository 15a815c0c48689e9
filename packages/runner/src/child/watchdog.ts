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
  #closed = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#table = openScratch();
  }

  /** Starts the shell, or starts it again should somebody have ended it. */
  ensureRunning(): void {
    if (this.#closed || this.#shell !== undefined) return;
    const { markerPrefix, cgroup = "" } = this.#options;
    const shell = spawn("/bin/sh", ["-c", watchdogScript, "herorunner-watchdog", markerPrefix, cgroup], {
      cwd: "/",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdio: ["pipe", "ignore", "ignore", this.#table],
      // Not to be reached by what ends the group of the runner.
      detached: true,
    });
    this.#shell = shell;
    shell.on("error", () => (this.#shell = undefined));
    shell.on("exit", () => {
      this.#shell = undefined;
      // Ended by somebody else: the jobs that run must not be without it.
      if (this.#recordCount > this.#freeRecords.length) this.ensureRunning();
    });
    shell.stdin?.on("error", () => undefined);
    shell.unref();
    // A pipe of spawn is a Socket, typed as a Writable.
    if (shell.stdin !== null && "unref" in shell.stdin) (shell.stdin as { unref(): void }).unref();
  }

  /** Writes a job down; answers how to strike it out. */
  watch(pid: number, startTicks: number): () => void {
    const record = this.#freeRecords.pop() ?? this.#recordCount++;
    this.#write(record, `${pid} ${startTicks}`);
    return () => {
      this.#write(record, "");
      this.#freeRecords.push(record);
    };
  }

  /** Ends the watchdog in peace. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
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
    writeSync(this.#table, `${text.padEnd(recordBytes - 1)}\n`, record * recordBytes, "latin1");
  }
}
