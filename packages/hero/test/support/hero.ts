/** Starts the built `hero` as a process, as an author or herorunner would. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
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
  given: { readonly input?: string; readonly env?: Record<string, string>; readonly cwd?: string } = {},
): HeroEnd {
  const { status, stdout, stderr } = spawnSync(process.execPath, [heroBin, ...args], {
    input: given.input ?? "",
    encoding: "utf8",
    cwd: given.cwd ?? repository,
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nowhere", ...given.env },
  });
  return { code: status, stdout, stderr };
}

/** As `hero run -s`, but the script comes piece by piece, each when hero waits for one. */
export async function heroThatWaits(
  pieces: readonly (string | Uint8Array)[],
  env: Record<string, string>,
): Promise<HeroEnd> {
  const child = spawn(process.execPath, [heroBin, "run", "-s"], {
    cwd: repository,
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nowhere", ...env },
  });
  const ended = once(child, "close");
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  for (const piece of pieces) {
    await until(() => Promise.resolve(readsStdin(child.pid)), "hero waits for its script", 20_000);
    child.stdin.write(piece);
  }
  child.stdin.end();
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
