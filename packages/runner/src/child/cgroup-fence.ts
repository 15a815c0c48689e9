/**
 * Level `cgroup`: each job runs in a control group of its own below the runner's. The kernel kills the whole group at
 * one word and tells when it is empty. Needs cgroup v2, a kernel with `cgroup.kill` (5.14), and a group we may divide.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Fence, type FenceMaker, fenceShellName, type StandingFence } from "./fence.ts";
import { readStat } from "./proc.ts";
import { withSpareDescriptor } from "./spare-descriptor.ts";

/** Joins the group given as $1 and becomes the rest. */
const joinAndBecome = 'echo 0 > "$1/cgroup.procs" || exit 125; shift; unset PWD; exec "$@"';

/** `ownGroup` is the group we are in. Throws when it cannot be divided. */
export function createCgroupFences(ownGroup: string): FenceMaker {
  removeForsaken(ownGroup);
  const parent = join(ownGroup, `${groupPrefix()}${process.pid}-${startTicksOf(process.pid)}-${nextGroup++}`);
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
    makeStanding: () => standingFence(take(), ownGroup),
    close: () => removeGroup(parent),
  };
}

/** Whoever ended a moment ago may still be on its way out. */
async function removeGroup(parent: string): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    attempt(() => {
      for (const entry of readdirSync(parent, { withFileTypes: true })) {
        if (entry.isDirectory()) attempt(() => rmdirSync(join(parent, entry.name)));
      }
      rmdirSync(parent);
    });
    if (!existsSync(parent)) return;
    await sleep(10);
  }
}

let nextGroup = 1;

/** Process ids mean something only in their own namespace, so its number is part of the name. */
function groupPrefix(): string {
  return `herorunner-${readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "")}-`;
}

function startTicksOf(pid: number): number | undefined {
  return readStat(pid)?.startTicks;
}

/** Removes the groups of runners that were killed together with their watchdogs. Occupied ones stay. */
function removeForsaken(ownGroup: string): void {
  const prefix = groupPrefix();
  for (const name of readdirSync(ownGroup)) {
    if (!name.startsWith(prefix)) continue;
    const [pid, start] = name.slice(prefix.length).split("-").map(Number);
    if (pid === undefined || startTicksOf(pid) === start) continue;
    const parent = join(ownGroup, name);
    attempt(() => {
      for (const entry of readdirSync(parent, { withFileTypes: true })) {
        if (entry.isDirectory()) rmdirSync(join(parent, entry.name));
      }
      rmdirSync(parent);
    });
  }
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
    kill: () => attempt(() => write(join(path, "cgroup.kill"), "1")),
    release: () => {
      if (isEmpty()) giveBack(path);
    },
  };
}

function standingFence(path: string, outside: string): StandingFence {
  const procs = join(path, "cgroup.procs");
  const inside = cgroupFence(path, () => undefined);
  let server = 0;
  let isInside = false;
  const members = (): readonly number[] => inside.members().filter((pid) => pid !== server);
  return {
    procs,
    get mustEnter() {
      return !isInside;
    },
    entered: (serverPid) => {
      server = serverPid;
      isInside = true;
    },
    fence: {
      ...inside,
      wrap: (file, args) => ({ file, args }),
      members,
      isEmpty: () => members().length === 0,
      kill: () => {
        // What ends the group must not end the server, which still holds the output of the job. If it is gone, its number may
        // be somebody's who has nothing to do in our group.
        if (isInside && inside.members().includes(server))
          attempt(() => write(join(outside, "cgroup.procs"), String(server)));
        isInside = false;
        inside.kill();
      },
      release: () => undefined,
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
    return withSpareDescriptor(() => readFileSync(path, "latin1"));
  } catch {
    return "";
  }
}

function write(path: string, text: string): void {
  withSpareDescriptor(() => writeFileSync(path, text));
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Still occupied, or removed by somebody else: not ours to mend, and never a reason to stop.
  }
}
