/** Starts the built `hero` as a process, as an author or herorunner would. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { until } from "../../../../test/support/until.ts";

const heroBin = fileURLToPath(new URL("../../bin/hero.js", import.meta.url));
export const repository = fileURLToPath(new URL("../../../../", import.meta.url));

export interface HeroEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function hero(
  args: readonly string[],
  given: {
    readonly input?: string | Uint8Array;
    /** For what would never come to an end. */
    readonly timeoutMs?: number;
    readonly env?: Record<string, string>;
    readonly cwd?: string;
    /** Descriptors instead of pipes. */
    readonly stdin?: number;
    readonly stdout?: number;
    readonly stderr?: number;
  } = {},
): HeroEnd {
  const { status, stdout, stderr } = spawnSync(process.execPath, [heroBin, ...args], {
    input: given.input ?? "",
    stdio: [given.stdin ?? "pipe", given.stdout ?? "pipe", given.stderr ?? "pipe"],
    encoding: "utf8",
    timeout: given.timeoutMs ?? 120_000,
    killSignal: "SIGKILL",
    cwd: given.cwd ?? repository,
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nowhere", ...given.env },
  });
  return { code: status, stdout, stderr };
}

export interface Arrival {
  /** Comes through the pipe before hero is started; no more than a pipe holds. */
  readonly before?: string;
  /** Come one by one, each when hero waits for one. */
  readonly late?: readonly (string | Uint8Array)[];
}

/** As `hero run -s` below a runner: standard input is a pipe, where Node's own "pipe" is a socket. */
export async function heroOnPipe(
  { before = "", late = [] }: Arrival,
  env: Record<string, string>,
): Promise<HeroEnd> {
  const pipe = join(temporaryFolder(), "stdin");
  execFileSync("mkfifo", [pipe]);
  const both = openSync(pipe, constants.O_RDWR); // to open one end alone waits for the other
  const [theirs, ours] = [openSync(pipe, constants.O_RDONLY), openSync(pipe, constants.O_WRONLY)];
  closeSync(both);
  writeSync(ours, before);
  const child = spawn(process.execPath, [heroBin, "run", "-s"], {
    cwd: repository,
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nowhere", ...env },
    stdio: [theirs, "pipe", "pipe"],
  });
  closeSync(theirs);
  const ended = once(child, "close");
  const said = Promise.all([text(child.stdout!), text(child.stderr!)]);
  for (const piece of late) {
    await until(() => readsStdin(child.pid), "hero waits for its script");
    writeFileSync(ours, piece);
  }
  closeSync(ours);
  const [code] = (await ended) as [number | null];
  const [stdout, stderr] = await said;
  return { code, stdout, stderr };
}

/** The kernel tells the number of the call and its first argument: read(0) on x86-64 and on ARM64. */
function readsStdin(pid: number | undefined): boolean {
  return /^(?:0|63) 0x0 /.test(readFileSync(`/proc/${pid}/syscall`, "utf8"));
}

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hero-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
