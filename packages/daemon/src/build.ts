/**
 * Which build of a program runs: the version from the program's package, and the commit it was built from, out of the
 * file `dist/build.json` that `npm run build` leaves. Two small files are read, git is never started, and a commit
 * that nobody wrote down is simply not there.
 */
import { existsSync, readFileSync } from "node:fs";

export interface BuildInfo {
  readonly version: string;
  /** The whole name of the commit, in hexadecimal digits. */
  readonly commit: string | undefined;
}

/** How far below its package a module may lie, bundled or not. */
const deepestFolder = 6;
const shortCommitDigits = 7;

/** The build that a module belongs to: `buildInfo(import.meta.url)`. */
export function buildInfo(moduleUrl: string): BuildInfo {
  const folder = packageFolder(moduleUrl);
  const version = folder === undefined ? undefined : textMember(new URL("package.json", folder), "version");
  const commit = folder === undefined ? undefined : textMember(new URL("dist/build.json", folder), "commit");
  return { version: version ?? "0.0.0", commit };
}

/** As `--version` shows it: `0.1.0 (abc1234)`, or the version alone. */
export function buildText({ version, commit }: BuildInfo): string {
  return commit === undefined ? version : `${version} (${commit.slice(0, shortCommitDigits)})`;
}

function packageFolder(moduleUrl: string): URL | undefined {
  let folder = new URL("./", moduleUrl);
  for (let depth = 0; depth < deepestFolder; depth++) {
    if (existsSync(new URL("package.json", folder))) return folder;
    folder = new URL("../", folder);
  }
  return undefined;
}

function textMember(file: URL, name: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    const found = Object.entries(parsed ?? {}).find(([key]) => key === name);
    return typeof found?.[1] === "string" ? found[1] : undefined;
  } catch {
    return undefined;
  }
}
