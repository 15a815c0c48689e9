/** Starts the built `hero` as a process, as an author or herorunner would. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

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

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hero-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
