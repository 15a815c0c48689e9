/** Small programs in the place of `hero`, where a test is about the runner and not about the language. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Writes an executable shell script; `sh` reads the payload from standard input. Removed with the test. */
export async function standInHero(body: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-stand-in-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "hero");
  await writeFile(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return file;
}

/** Runs its payload as shell commands: the shortest way to a job that does what a test wants. */
export const shellHero = (): Promise<string> => standInHero("exec /bin/sh");
