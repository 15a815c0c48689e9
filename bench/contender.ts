/** What the bench needs of everybody who takes part: jobs laid ready, let go at once, counted, and one alone timed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export interface Setting {
  readonly port: number;
  /** Runs the payload as `hero run -s` would. */
  readonly program: string;
  /** What the program makes of the payload. */
  readonly output: string;
  readonly concurrency: number;
  /** A queue name that nobody else uses. */
  readonly queue: string;
}

export interface Batch {
  /** Lets the workers have all jobs at once. */
  go(): Promise<void>;
  /** How many have come to their end by now. */
  finished(): Promise<number>;
  /** Rejects unless the last job was done right. */
  check(): Promise<void>;
}

export interface Contender {
  /** The process whose tree is measured. */
  readonly pid: number;
  /** Writes jobs where no worker takes them yet. */
  prepare(count: number): Promise<Batch>;
  /** Submits one job; resolves with ms from its submission to its end. */
  single(): Promise<number>;
  end(): Promise<void>;
}

export interface Entrant {
  readonly name: string;
  readonly launch: (setting: Setting) => Promise<Contender>;
  /** The list from which it takes, by the name of the queue; without one its first pop cannot be seen. */
  readonly queueKey?: (queue: string) => string;
}

export const payload = `print("hello")\n${"// some comment that fills the script\n".repeat(6)}`;

export interface StartedProgram {
  readonly pid: number;
  /** Everything it said so far. */
  said(): string;
  end(): Promise<void>;
}

/** Starts a worker. What it says is kept, for when it fails. */
export function startProgram(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): StartedProgram {
  const child: ChildProcess = spawn(file, args, {
    env: { PATH: process.env["PATH"] ?? "", HOME: "/tmp", ...env },
    cwd: "/tmp",
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const hear = (text: string): void => void (said = (said + text).slice(-4000));
  child.stdout?.setEncoding("utf8").on("data", hear);
  child.stderr?.setEncoding("utf8").on("data", hear);
  const exited = once(child, "exit");
  const lastResort = (): void => void child.kill("SIGKILL");
  process.on("exit", lastResort);
  return {
    pid: child.pid ?? 0,
    said: () => said,
    end: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(lastResort, 5_000);
      await exited;
      clearTimeout(timer);
      process.off("exit", lastResort);
    },
  };
}
