/**
 * Level `cgroup`: each job runs in a control group of its own below the runner's. The kernel kills the whole group at
 * one word and tells when it is empty. Needs cgroup v2, a kernel with `cgroup.kill` (5.14), and a group we may divide.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Fence, type FenceMaker, fenceShellName } from "./fence.ts";

/** Joins the group given as $1 and becomes the rest. */
const joinAndBecome = 'echo 0 > "$1/cgroup.procs" || exit 125; shift; unset PWD; exec "$@"';

/** `name` must be new among the groups below our own. Throws when the group cannot be made. */
export function createCgroupFences(ownGroup: string, name: string): FenceMaker {
  const parent = join(ownGroup, name);
  mkdirSync(parent);
  const unused: string[] = [];
  let count = 0;
  const take = (): string => {
    const known = unused.pop();
    if (known !== undefined) return known;
    count += 1;
    const path = join(parent, String(count));
    mkdirSync(path);
    return path;
  };
  return {
    level: "cgroup",
    cgroup: parent,
    // A group that was seen empty has nobody in it who could meet the next job.
    make: () => cgroupFence(take(), (path) => unused.push(path)),
    close: () => {
      for (const path of unused) attempt(() => rmdirSync(path));
      attempt(() => rmdirSync(parent));
    },
  };
}

function cgroupFence(path: string, giveBack: (path: string) => void): Fence {
  const isEmpty = (): boolean => !readText(join(path, "cgroup.events")).includes("populated 1");
  return {
    level: "cgroup",
    wrap: (file, args) => ({
      file: "/bin/sh",
      args: ["-c", joinAndBecome, fenceShellName, path, file, ...args],
    }),
    exit: (exit) => exit,
    begin: () => undefined,
    members: () => readText(join(path, "cgroup.procs")).split("\n").filter(Boolean).map(Number),
    isEmpty,
    kill: () => attempt(() => writeFileSync(join(path, "cgroup.kill"), "1")),
    release: () => {
      if (isEmpty()) giveBack(path);
    },
  };
}

/**
 * The folder of our own control group in the version 2 hierarchy, as we see it; undefined when there is none.
 * `mountInfo` and `membership` are the texts of /proc/self/mountinfo and /proc/self/cgroup.
 */
export function ownCgroup(mountInfo: string, membership: string): string | undefined {
  const own = /^0::(.*)$/m.exec(membership)?.[1];
  if (own === undefined) return undefined;
  for (const line of mountInfo.split("\n")) {
    const [mount = "", filesystem = ""] = line.split(" - ");
    if (!filesystem.startsWith("cgroup2 ")) continue;
    const [, , , root = "/", point = ""] = mount.split(" ");
    // In a container the mounted part may begin at our own group.
    const base = root === "/" ? "" : root;
    if (own === base || own.startsWith(`${base}/`))
      return join(point, own.slice(base.length)).replace(/\/$/, "");
  }
  return undefined;
}

/** A group that somebody removed is empty. */
function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Still occupied, or removed by somebody else: not ours to mend, and never a reason to stop.
  }
}
