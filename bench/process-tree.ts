/** What a process and all below it have used, read from the kernel. */
import { readdirSync, readFileSync } from "node:fs";

const ticksPerSecond = 100;

export interface TreeUse {
  /** User and system time, of ended and reaped children too. */
  readonly cpuMs: number;
  /** Proportional set size: shared pages are shared out. */
  readonly pssMiB: number;
  readonly rssMiB: number;
}

export function treeUse(root: number): TreeUse {
  const pids = treeOf(root);
  const sum = (of: (pid: number) => number): number => pids.reduce((total, pid) => total + of(pid), 0);
  return {
    cpuMs: sum(cpuMsOf),
    pssMiB: sum((pid) => kilobytes(read(pid, "smaps_rollup"), "Pss")) / 1024,
    rssMiB: sum((pid) => kilobytes(read(pid, "status"), "VmRSS")) / 1024,
  };
}

/** Time on a processor so far, to the nanosecond, of living threads only: for trees that start nothing meanwhile. */
export function idleCpuMs(root: number): number {
  let total = 0;
  for (const pid of treeOf(root)) {
    for (const thread of list(`/proc/${pid}/task`)) {
      total += Number(read(pid, `task/${thread}/schedstat`).split(" ")[0] ?? 0) / 1e6;
    }
  }
  return total;
}

function treeOf(root: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of list("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid)) parents.set(pid, Number(fieldsOf(pid)[1]));
  }
  const isBelow = (pid: number | undefined): boolean => {
    for (let at = pid, depth = 0; at !== undefined && depth < 50; at = parents.get(at), depth += 1) {
      if (at === root) return true;
    }
    return false;
  };
  return [...parents.keys()].filter(isBelow);
}

/** The fields of /proc/PID/stat after the name; the first is the state. */
function fieldsOf(pid: number): readonly string[] {
  const text = read(pid, "stat");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function cpuMsOf(pid: number): number {
  const ticks = fieldsOf(pid)
    .slice(11, 15)
    .map(Number)
    .reduce((total, each) => total + each, 0);
  return ((Number.isNaN(ticks) ? 0 : ticks) * 1000) / ticksPerSecond;
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
