/**
 * Starts other programs: an argument vector, never a shell; an empty standard input; the environment of the script.
 * Waits for the end, since actions happen one after the other.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import type { SpawnSyncReturns } from "node:child_process";
import type { ExecOptions, ExecResult } from "./actor.ts";
import { ActionError } from "./errors.ts";

export interface ExecHost {
  readonly environment: () => Record<string, string>;
  readonly cwd: string;
  /** Milliseconds left, or undefined without a limit. */
  readonly remainingMs: () => number | undefined;
}

const maxOutputBytes = 256 * 1024 * 1024;

function start(
  host: ExecHost,
  command: readonly [string, readonly string[]],
  options: ExecOptions,
  stdio: "capture" | "pass",
): SpawnSyncReturns<string> {
  const [program, args] = command;
  const timeout = host.remainingMs();
  // A name of its own for each: what a program starts may be another hero.
  const mark = timeout === undefined ? undefined : `HERO_ACTION_${process.pid}_${process.hrtime.bigint()}`;
  // Loaded at the first program: scripts that start none are not to pay for it.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const result = spawnSync(program, [...args], {
    cwd: options.cwd ?? host.cwd,
    env: { ...host.environment(), ...options.env, ...(mark === undefined ? {} : { [mark]: "1" }) },
    stdio: stdio === "capture" ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    encoding: "utf8",
    maxBuffer: maxOutputBytes,
    killSignal: "SIGKILL",
    shell: false,
    ...(timeout === undefined ? {} : { timeout: Math.max(1, Math.ceil(timeout)) }),
  });
  if (result.error !== undefined && mark !== undefined) endMarked(`${mark}=1`);
  if (result.error !== undefined) throw startError(program, options.cwd ?? host.cwd, result.error);
  return result;
}

/**
 * Ends what a program that was stopped has started itself (git has programs of its own for the network): it would go on, and keep our
 * output open. A process that has just been started by one of them is met in the next round.
 */
function endMarked(mark: string): void {
  const rounds = 10;
  for (let round = 0; round < rounds; round++) if (!endMarkedNow(mark)) return;
}

/** True when there was one. */
function endMarkedNow(mark: string): boolean {
  let found = false;
  for (const name of processes()) {
    try {
      if (!readFileSync(`/proc/${name}/environ`, "latin1").split("\0").includes(mark)) continue;
      process.kill(Number(name), "SIGKILL");
      found = true;
    } catch {
      // It has ended, or is somebody else's.
    }
  }
  return found;
}

function processes(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function startError(program: string, cwd: string, error: Error): ActionError {
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOENT" && !existsSync(cwd))
    return new ActionError(`there is no folder ${cwd}`, "failed", error);
  if (code === "ENOENT") {
    return new ActionError(
      `${program} is not installed here: no program of that name on PATH`,
      "failed",
      error,
    );
  }
  if (code === "ETIMEDOUT")
    return new ActionError(`${program} was stopped at the time limit of the script`, "time", error);
  if (code === "ENOBUFS")
    return new ActionError(`${program} wrote more than ${maxOutputBytes >> 20} MiB`, "failed", error);
  if (code === "EACCES")
    return new ActionError(`${program} may not be started: permission denied`, "failed", error);
  if (code === "E2BIG")
    return new ActionError(`the arguments for ${program} are longer than the system allows`, "failed", error);
  return new ActionError(`${program} could not be started: ${error.message}`, "failed", error);
}

/** The line that says why: the first that calls itself an error, else the last. */
function tellingLine(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const telling = lines.find((line) => /^(?:fatal|error)\b/i.test(line));
  return telling ?? lines.findLast((line) => line !== "") ?? "";
}

function ending(program: string, args: readonly string[], result: SpawnSyncReturns<string>): string {
  const verb = args.find((arg) => /^[a-z]/.test(arg)) ?? "";
  const command = `${program} ${verb}`.trim();
  return result.signal === null
    ? `${command} ended with status ${result.status}`
    : `${command} was ended by ${result.signal}`;
}

export function execProgram(
  host: ExecHost,
  program: string,
  args: readonly string[],
  options: ExecOptions = {},
): ExecResult {
  const result = start(host, [program, args], options, "capture");
  const failed = result.status !== 0;
  if (failed && (options.allowFailure !== true || result.signal !== null)) {
    const reason = tellingLine(result.stderr) || tellingLine(result.stdout);
    throw new ActionError(`${ending(program, args, result)}${reason === "" ? "" : `: ${reason}`}`);
  }
  return { stdout: result.stdout, stderr: result.stderr, status: result.status ?? -1 };
}

export function streamProgram(
  host: ExecHost,
  program: string,
  args: readonly string[],
  options: ExecOptions = {},
): void {
  const result = start(host, [program, args], options, "pass");
  if (result.status !== 0) throw new ActionError(ending(program, args, result));
}
