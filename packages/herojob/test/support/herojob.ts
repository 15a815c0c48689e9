/** The built herojob as a process, with pipes or on a pseudo-terminal. What a test starts ends with the test. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { until } from "../../../../test/support/until.ts";

const bin = fileURLToPath(new URL("../../bin/herojob.js", import.meta.url));
const terminal = fileURLToPath(new URL("terminal.py", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  /** What it has written so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** On a terminal: keys. Elsewhere: standard input. */
  type(text: string): void;
  signal(name: NodeJS.Signals): void;
  /** Resolves when the text has appeared on standard output or error. */
  shows(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** All of standard input; without it there is none. */
  readonly input?: string;
}

/** Runs to its end. */
export function herojob(args: readonly string[], around: Surroundings = {}): Promise<Ended> {
  const running = launch(process.execPath, [bin, ...args], around);
  if (around.input === undefined) running.close();
  else {
    running.type(around.input);
    running.close();
  }
  return running.ended;
}

/** Starts it; standard input stays open and is no terminal. */
export function startHerojob(args: readonly string[], around: Surroundings = {}): Running {
  return launch(process.execPath, [bin, ...args], around);
}

/** Starts it on a pseudo-terminal of its own: what it writes to either stream comes out on `stdout`. */
export function startOnTerminal(args: readonly string[], around: Surroundings = {}): Running {
  return launch("/usr/bin/python3", [terminal, process.execPath, bin, ...args], around);
}

function launch(file: string, args: readonly string[], around: Surroundings): Running & { close(): void } {
  const path = process.env["PATH"] ?? "";
  const child = spawn(file, args, {
    env: { PATH: path, HOME: "/nonexistent", TERM: "xterm", ...around.env },
    ...(around.cwd === undefined ? {} : { cwd: around.cwd }),
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const heard = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout.on("data", (chunk: Buffer) => heard.stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => heard.stderr.push(chunk));
  child.stdin.on("error", () => undefined); // it may have ended without reading
  const text = (name: "stdout" | "stderr"): string => Buffer.concat(heard[name]).toString();
  const ended = once(child, "close").then(([code]: unknown[]) => ({
    code: code as number | null,
    stdout: text("stdout"),
    stderr: text("stderr"),
  }));
  return {
    pid: child.pid ?? 0,
    stdout: () => text("stdout"),
    stderr: () => text("stderr"),
    type: (keys) => void child.stdin.write(keys),
    signal: (name) => void child.kill(name),
    shows: (what) => until(() => `${text("stdout")}${text("stderr")}`.includes(what), `it shows ${what}`),
    ended,
    close: () => child.stdin.end(),
  };
}
