/** What the host gives: Node, isolation levels, a folder for state. */
import { lstatSync, mkdtempSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type IsolationWish, type LevelReport, probeIsolation } from "@herorunner/runner";
import { type Finding, fine } from "./finding.ts";

export function checkNode(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  if (ok) return fine("node", version);
  const fix = "install Node 20.19 or newer";
  return { name: "node", ok, severity: "refuse", sentence: `${version} is too old`, fix };
}

export async function checkIsolation(wish: IsolationWish): Promise<readonly Finding[]> {
  const reports = await probeIsolation();
  return reports.map((report) => isolationFinding(report, wish));
}

function isolationFinding({ level, available, reason }: LevelReport, wish: IsolationWish): Finding {
  const name = `isolation ${level}`;
  if (available) return fine(name, `available: ${reason}`);
  const asked = wish === level;
  return {
    name,
    // A level that nobody asked for is a hint and not a fault.
    ok: asked ? false : "unknown",
    severity: asked ? "refuse" : "warn",
    sentence: `not available: ${reason}`,
    fix: asked
      ? "mend that, or start with --isolation auto"
      : "nothing, unless you want --isolation " + level,
  };
}

/**
 * The folder itself, or the nearest one above it that exists, must be ours to write. Found by trying, which leaves nothing
 * behind: root may do everything, and all the same nobody can make a folder in /proc or on a disk that is read-only.
 */
export function checkStateFolder(folder: string): Finding {
  let nearest = folder;
  while (!isThere(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    rmdirSync(mkdtempSync(join(nearest, ".herorunner-doctor-")));
    return fine("state folder", folder);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const fix = `mend ${nearest}, or name another folder with --state-dir`;
    const sentence = `${nearest} is not a folder in which this user can make another (${code})`;
    return { name: "state folder", ok: false, severity: "refuse", sentence, fix };
  }
}

/** A link that leads nowhere is there too, as that to a disk which is not mounted: no folder can be made in its place. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // below a file, or behind a folder that may not be entered: the one above says so
  }
}
