/** The runners of a chaos run: real herorunner processes that serve one runner id, each as if on a host of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

export const runnerId = "chaos";

export interface FleetOptions {
  /** The built herorunner. */
  readonly program: string;
  readonly count: number;
  readonly slots: number;
  readonly redisUrl: string;
  readonly heroPath: string;
  readonly folder: string;
}

/** One place for a runner: the process changes, host id, state folder and log stay. */
export class Berth {
  readonly hostId: string;
  readonly logFile: string;
  readonly #options: FleetOptions;
  #child: ChildProcess | undefined;
  frozen = false;
  /** When it was frozen last. */
  frozenMs = -Infinity;
  /** When the process that runs now was started, ms of performance.now(). */
  startedMs = 0;
  /** Exit codes and signals, in order. */
  readonly ends: (number | string)[] = [];

  constructor(options: FleetOptions, at: number) {
    this.#options = options;
    this.hostId = `host-${at}`;
    this.logFile = join(options.folder, `runner-${at}.log`);
  }

  get up(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    if (this.#child !== undefined) return;
    const { program, redisUrl, heroPath, slots, folder } = this.#options;
    const log = openSync(this.logFile, "a");
    const args = [
      ...["--redis-url", redisUrl, "--concurrency", String(slots), "--hero", heroPath, "--grace", "1"],
      ...[
        "--host-id",
        this.hostId,
        "--state-dir",
        join(folder, `state-${this.hostId}`),
        "--isolation",
        "group",
      ],
      ...["--log-level", "INFO", runnerId],
    ];
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ["ignore", log, log],
      env: { PATH: process.env["PATH"] ?? "", HOME: folder },
      cwd: folder,
    });
    closeSync(log);
    this.#child = child;
    // When the run itself is ended from outside, nobody is left behind.
    const lastResort = (): void => void child.kill("SIGKILL");
    process.once("exit", lastResort);
    child.once("exit", () => process.off("exit", lastResort));
    this.startedMs = performance.now();
    child.once("exit", (code, signal) => {
      this.ends.push(code ?? String(signal));
      if (this.#child === child) this.#child = undefined;
      this.frozen = false;
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  freeze(): void {
    this.frozen = true;
    this.frozenMs = performance.now();
    this.signal("SIGSTOP");
  }

  thaw(): void {
    this.frozen = false;
    this.signal("SIGCONT");
  }

  /** SIGKILL, or SIGTERM with SIGKILL after `patienceMs`. Resolves when the process is gone. */
  async end(signal: "SIGKILL" | "SIGTERM", patienceMs = 60_000): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, "exit");
    child.kill(signal);
    const lastResort = setTimeout(() => void child.kill("SIGKILL"), patienceMs);
    await gone;
    clearTimeout(lastResort);
  }
}

export function openFleet(options: FleetOptions): readonly Berth[] {
  const berths = Array.from({ length: options.count }, (_, at) => new Berth(options, at + 1));
  for (const berth of berths) berth.start();
  return berths;
}
