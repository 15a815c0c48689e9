/** A herorunner as its operator starts it: the built program in a process of its own, its log kept. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { builtBin, heroFolder } from "./built.ts";
import { until } from "./until.ts";

export interface HerorunnerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** PATH of the process; default: our `hero` and the usual. */
  readonly path?: string;
  /** Jobs are only taken after this; false for starts that are refused. Default true. */
  readonly waitForStart?: boolean;
}

export interface Herorunner {
  readonly pid: number;
  readonly folder: string;
  /** Everything so far: INFO and DEBUG, and ERROR. */
  stdout(): string;
  stderr(): string;
  /** Resolves when the log, both streams together, holds this. */
  logged(what: string | RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Kills it if it still runs, and removes its folder. */
  end(): Promise<void>;
}

/** Starts it and waits until it takes jobs. The caller ends it. */
export async function launchHerorunner(
  args: readonly string[],
  options: HerorunnerOptions = {},
): Promise<Herorunner> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-e2e-"));
  const path = options.path ?? `${heroFolder}${delimiter}${process.env["PATH"] ?? ""}`;
  const env = { PATH: path, HOME: folder, HERORUNNER_STATE_DIR: join(folder, "state"), ...options.env };
  const child = spawn(process.execPath, [builtBin("herorunner"), ...args], {
    env,
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "close").then(
    ([code, signal]: unknown[]) => (code ?? signal) as number | NodeJS.Signals, // as Node documents them
  );
  const said = listen(child);
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const runner: Herorunner = {
    pid: child.pid ?? 0,
    folder,
    stdout: () => said.out,
    stderr: () => said.err,
    logged: (what) => logged(said, what, exited),
    signal: (name) => void child.kill(name),
    exited,
    end,
  };
  if (options.waitForStart === false) return runner;
  try {
    await runner.logged("waiting for jobs");
  } catch (error) {
    await end();
    throw error;
  }
  return runner;
}

interface Said {
  out: string;
  err: string;
}

function listen(child: ChildProcess): Said {
  const said = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (said.out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (said.err += text));
  return said;
}

async function logged(said: Said, what: string | RegExp, exited: Promise<unknown>): Promise<void> {
  const holds = (text: string): boolean => (typeof what === "string" ? text.includes(what) : what.test(text));
  let over = false;
  void exited.then(() => (over = true));
  await until(() => holds(said.out) || holds(said.err) || over, `the log says ${String(what)}`);
  if (holds(said.out) || holds(said.err)) return;
  throw new Error(`herorunner ended without saying ${String(what)}:\n${said.out}${said.err}`);
}
