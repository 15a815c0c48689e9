/**
 * Which isolation levels this machine can give, found by trying. A level that is asked for by name and cannot be had
 * is an error with its reason; `auto` takes the strongest that changes nothing for the job.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { createCgroupFences, ownCgroup } from "./cgroup-fence.ts";
import { findExecutable } from "./executable.ts";
import type { Fence, FenceMaker } from "./fence.ts";
import { createPidnsFences, inPidNamespace, type PidnsTools } from "./pidns-fence.ts";

const run = promisify(execFile);
const tryTimeoutMs = 5000;

export type IsolationLevel = "group" | "pidns" | "cgroup";
export type IsolationWish = IsolationLevel | "auto";

export interface LevelReport {
  readonly level: IsolationLevel;
  readonly available: boolean;
  /** Why it is not available, with what would make it so; or how it is had. */
  readonly reason: string;
}

/** Tries every level. Leaves nothing behind. */
export async function probeIsolation(): Promise<readonly LevelReport[]> {
  const [pidns, cgroup] = await Promise.all([tryPidns(), tryCgroup()]);
  await cgroup.fences?.close();
  return [
    { level: "group", available: true, reason: "needs nothing" },
    { level: "pidns", available: pidns.fences !== undefined, reason: pidns.reason },
    { level: "cgroup", available: cgroup.fences !== undefined, reason: cgroup.reason },
  ];
}

/** Thrown when the level that was asked for cannot be had. The message says why. */
export class IsolationUnavailable extends Error {
  override readonly name = "IsolationUnavailable";
  readonly level: IsolationLevel;

  constructor(level: IsolationLevel, reason: string) {
    super(`isolation level ${level} is not available: ${reason}`);
    this.level = level;
  }
}

export interface ChosenIsolation {
  readonly level: IsolationLevel;
  readonly fences: FenceMaker | undefined;
  readonly reason: string;
}

/** Throws {@link IsolationUnavailable}. The caller closes the fences. */
export async function chooseIsolation(wish: IsolationWish): Promise<ChosenIsolation> {
  switch (wish) {
    case "group":
      return { level: "group", fences: undefined, reason: "asked for" };
    case "pidns":
    case "cgroup": {
      const { fences, reason } = await (wish === "pidns" ? tryPidns() : tryCgroup());
      if (fences === undefined) throw new IsolationUnavailable(wish, reason);
      return { level: wish, fences, reason };
    }
    case "auto": {
      const { fences, reason } = await tryCgroup();
      if (fences !== undefined) return { level: "cgroup", fences, reason };
      return { level: "group", fences: undefined, reason: `no cgroup: ${reason}` };
    }
  }
}

interface Trial {
  readonly fences?: FenceMaker;
  readonly reason: string;
}

/** Makes a group, puts a process into it and kills it there: what works once will work for jobs. */
async function tryCgroup(): Promise<Trial> {
  const own = ownCgroup(readText("/proc/self/mountinfo"), readText("/proc/self/cgroup"));
  if (own === undefined) return { reason: "no cgroup version 2 hierarchy is mounted" };
  let fences: FenceMaker;
  try {
    fences = createCgroupFences(own);
  } catch (error) {
    const advice = "with systemd set Delegate=yes for the service, and start the runner inside it";
    return { reason: `the runner may not divide its own control group ${own} (${wordOf(error)}); ${advice}` };
  }
  const problem = await problemOfCgroup(fences.make());
  if (problem === undefined) return { fences, reason: `below ${own}` };
  await fences.close();
  return { reason: problem };
}

/** A stopped process stays until it is killed, and only there. */
async function problemOfCgroup(fence: Fence): Promise<string | undefined> {
  const { file, args } = fence.wrap("/bin/sh", ["-c", "kill -STOP $$"]);
  const trial = run(file, [...args], { timeout: tryTimeoutMs, killSignal: "SIGKILL" });
  const { child } = trial;
  const ended = trial.then(
    () => "it ended by itself",
    (error: unknown) =>
      error instanceof Error && "stderr" in error ? firstLine(String(error.stderr)) : "no reason",
  );
  try {
    await waitUntil(() => !fence.isEmpty() || child.exitCode !== null);
    if (fence.isEmpty()) return `a process cannot enter a group of ours: ${await ended}`;
    fence.kill();
    await ended;
    await waitUntil(() => fence.isEmpty());
    return fence.isEmpty() ? undefined : "a killed group did not become empty";
  } catch (error) {
    return `the kernel has no cgroup.kill, which came with 5.14 (${wordOf(error)})`;
  } finally {
    child.kill("SIGKILL");
    await ended;
    fence.release();
  }
}

async function tryPidns(): Promise<Trial> {
  const path = `${process.env["PATH"] ?? ""}:/usr/bin:/bin`;
  const setpriv = findExecutable("setpriv", path, "/");
  const unshare = findExecutable("unshare", path, "/");
  if (setpriv === undefined || unshare === undefined) {
    return { reason: `${setpriv === undefined ? "setpriv" : "unshare"} is not on PATH; install util-linux` };
  }
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-current-user"];
  let reason = "";
  for (const unshareArgs of [[...user, "--mount-proc"], user]) {
    const tools: PidnsTools = { setpriv, unshare, unshareArgs };
    const problem = await problemOf(tools);
    if (problem === undefined) {
      const own = unshareArgs.includes("--mount-proc") ? "with its own /proc" : "without its own /proc";
      return { fences: createPidnsFences(tools), reason: own };
    }
    reason = problem;
  }
  return { reason: `${reason}; it needs root, or user namespaces for ordinary users` };
}

async function problemOf(tools: PidnsTools): Promise<string | undefined> {
  const { file, args } = inPidNamespace(tools, ["/bin/sh", "-c", "exit 7"]);
  try {
    await run(file, args, { timeout: tryTimeoutMs, killSignal: "SIGKILL" });
    return "unshare lost the exit code";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === 7) return undefined;
    return error instanceof Error && "stderr" in error ? firstLine(String(error.stderr)) : wordOf(error);
  }
}

async function waitUntil(condition: () => boolean): Promise<boolean> {
  const end = performance.now() + tryTimeoutMs;
  while (!condition()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return true;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] || "no reason given";
}

function wordOf(error: unknown): string {
  if (error instanceof Error && "code" in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}
