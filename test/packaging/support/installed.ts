/**
 * Our packages as somebody has them who installed them: packed, and installed with npm into an empty folder. What they
 * depend on comes from npm's cache where it can, else from wherever this machine's npm gets its packages.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { repositoryRoot } from "../../support/built.ts";

const run = promisify(execFile);

export interface Installed {
  /** With package.json and node_modules, and nothing else. */
  readonly folder: string;
  /** PATH with the installed programs, Node and the system; nothing of this repository. */
  readonly path: string;
  /** Runs an installed program, or one of the system, in the folder. Rejects unless it exits 0. */
  run(command: string, args: readonly string[], stdin?: string): Promise<{ stdout: string; stderr: string }>;
  remove(): Promise<void>;
}

export async function packAndInstall(): Promise<Installed> {
  const whole = await mkdtemp(join(tmpdir(), "herorunner-packed-"));
  const remove = (): Promise<void> => rm(whole, { recursive: true, force: true });
  const folder = join(whole, "project");
  const tarballs = join(whole, "tarballs");
  const path = [join(folder, "node_modules", ".bin"), dirname(process.execPath), systemPath()].join(
    delimiter,
  );
  const env = { ...environment(), PATH: path };
  try {
    await mkdir(folder);
    await mkdir(tarballs);
    await run("npm", ["pack", "--workspaces", "--pack-destination", tarballs], { cwd: repositoryRoot, env });
    const packed = (await readdir(tarballs)).map((name) => join(tarballs, name));
    await writeFile(join(folder, "package.json"), '{"private": true, "type": "module"}\n');
    const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--no-save"];
    await run("npm", ["install", ...quiet, ...packed], { cwd: folder, env });
  } catch (error) {
    await remove();
    throw error;
  }
  const runInstalled = (command: string, args: readonly string[], stdin = "") => {
    const running = run(command, args, { cwd: folder, env: { ...env, HOME: folder } });
    running.child.stdin?.end(stdin);
    return running;
  };
  return { folder, path, run: runInstalled, remove };
}

/** npm tells its children about the project that it runs for; this one is to know of none. */
function environment(): Record<string, string> {
  const foreign =
    /^(?:npm_(?!config_(?:cache|registry|userconfig|globalconfig|cafile|.*proxy)$)|INIT_CWD$|NODE_ENV$|VITEST)/i;
  const entries = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? ""]));
}

/** Without the `node_modules/.bin` folders that npm puts in front. */
function systemPath(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.filter((folder) => !folder.includes("node_modules")).join(delimiter);
}
