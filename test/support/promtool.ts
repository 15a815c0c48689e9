/**
 * Prometheus' own checker. `HERORUNNER_PROMTOOL` names one, else it is `promtool` on PATH, else Debian's package is fetched and
 * the one program unpacked from it: nothing is installed and no service started. Where that cannot be done, one clear sentence.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { repositoryRoot } from "./built.ts";

const run = promisify(execFile);
const kept = join(repositoryRoot, "node_modules", ".cache", "herorunner", "promtool");

export interface Answer {
  readonly code: number;
  /** Both streams together. */
  readonly text: string;
}

/** Runs it with `input` on its standard input. */
export async function promtool(args: readonly string[], input = ""): Promise<Answer> {
  const program = await (found ??= find());
  const child = execFile(program, [...args]);
  let text = "";
  child.stdout?.on("data", (chunk: string) => (text += chunk));
  child.stderr?.on("data", (chunk: string) => (text += chunk));
  child.stdin?.end(input);
  const [code] = await once(child, "close");
  return { code: Number(code), text };
}

let found: Promise<string> | undefined;

async function find(): Promise<string> {
  const named = process.env["HERORUNNER_PROMTOOL"];
  if (named !== undefined) return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const onPath = folders.map((folder) => join(folder, "promtool")).find((path) => existsSync(path));
  if (onPath !== undefined) return onPath;
  if (!existsSync(kept)) await unpack();
  return kept;
}

async function unpack(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-promtool-"));
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const asRoot = process.getuid?.() === 0;
  const download = () =>
    run("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "download", "prometheus"], { cwd: folder, env });
  try {
    await download().catch(async (error: unknown) => {
      if (!asRoot) throw error;
      await run("apt-get", ["-qq", "update"], { env });
      await download();
    });
    const [archive = ""] = (await readdir(folder)).filter((name) => name.endsWith(".deb"));
    await run("dpkg-deb", ["-x", join(folder, archive), folder]);
    await mkdir(join(kept, ".."), { recursive: true });
    // Renamed into place, for two test files may do this at the same time.
    const own = `${kept}-${process.pid}`;
    await copyFile(join(folder, "usr/bin/promtool"), own);
    await rename(own, kept);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `these tests need promtool of Debian's package prometheus: apt-get install prometheus, or name one with HERORUNNER_PROMTOOL (${why.trim()})`,
      { cause: error },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
