/**
 * Reads the kernel's process table. Every function answers undefined (or nothing) for a process that is gone:
 * between two reads anything may have ended.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { withSpareDescriptor } from "./spare-descriptor.ts";

export interface ProcessStat {
  readonly pid: number;
  /** The command name as the kernel keeps it, at most 15 bytes. */
  readonly name: string;
  /** `R`, `S`, `D`, `T`, `Z` … */
  readonly state: string;
  readonly ppid: number;
  readonly group: number;
  readonly session: number;
  /** Start time in clock ticks since boot. Together with the pid it names a process for good. */
  readonly startTicks: number;
  /** Of a zombie with more than one, only the main thread has ended. */
  readonly threads: number;
  /** It has called exit, or died, and does nothing more of its own. */
  readonly isEnding: boolean;
  /** A thread of the kernel's own. */
  readonly isKernel: boolean;
}

/** PF_EXITING and PF_KTHREAD of the kernel. */
const exitingFlag = 4;
const kernelThreadFlag = 0x20_00_00;

export function readStat(pid: number): ProcessStat | undefined {
  const text = readProcFile(pid, "stat");
  return text === undefined ? undefined : parseStat(pid, text);
}

/** The name stands in parentheses and may itself hold spaces and parentheses; the fields are counted after the last one. */
export function parseStat(pid: number, text: string): ProcessStat | undefined {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(" ");
  const [state, ppid, group, session] = fields;
  const threads = Number(fields[17]);
  const start = fields[19];
  if (state === undefined || start === undefined) return undefined;
  return {
    pid,
    name: text.slice(open + 1, close),
    state,
    ppid: Number(ppid),
    group: Number(group),
    session: Number(session),
    startTicks: Number(start),
    threads,
    isEnding: threads <= 1 && (Number(fields[6]) & exitingFlag) !== 0,
    isKernel: (Number(fields[6]) & kernelThreadFlag) !== 0,
  };
}

/** A zombie has ended: it holds nothing and can do nothing, it waits for its parent. Unless it is the main thread alone that has. */
export function isAlive(stat: ProcessStat | undefined): stat is ProcessStat {
  if (stat === undefined || stat.state === "X") return false;
  return stat.state !== "Z" || stat.threads > 1;
}

/** The environment a process was started with, entries ended by NUL; undefined when it may not be read. */
export function readEnvironment(pid: number): string | undefined {
  return readProcFile(pid, "environ");
}

/** The same of a process whose main thread may have ended: then the others still have it. */
export function environmentOf({ pid, state }: ProcessStat): string | undefined {
  if (state !== "Z") return readEnvironment(pid);
  try {
    const threads = withSpareDescriptor(() => readdirSync(`/proc/${pid}/task`));
    const thread = threads.find((id) => id !== String(pid));
    return thread === undefined ? undefined : readProcFile(Number(thread), "environ");
  } catch {
    return undefined;
  }
}

/** The arguments of a process, its name the first, ended by NUL each; undefined when they may not be read. */
export function readArguments(pid: number): string | undefined {
  return readProcFile(pid, "cmdline");
}

/** `entry` is `NAME=value`. */
export function holdsEntry(environment: string, entry: string): boolean {
  return environment.startsWith(`${entry}\0`) || environment.includes(`\0${entry}\0`);
}

/** All process ids, highest first: what is newest comes first, except after the ids wrapped around. */
export function listPids(): number[] {
  const pids: number[] = [];
  for (const name of withSpareDescriptor(() => readdirSync("/proc"))) {
    const pid = Number(name);
    if (Number.isInteger(pid)) pids.push(pid);
  }
  return pids.sort((a, b) => b - a);
}

/**
 * Whether `pid` is not a later process than the one that began at `startTicks`, 0 when that was gone before it could be read: it
 * is that one, or nobody.
 */
export function isNobodyElse(pid: number, startTicks: number): boolean {
  const stat = readStat(pid);
  return stat === undefined || stat.startTicks === startTicks;
}

/** This process and those it descends from, the first process of the machine or container among them. */
export function ownLine(): ReadonlySet<number> {
  const line = new Set([1]);
  for (let pid = process.pid; pid > 1 && !line.has(pid); pid = readStat(pid)?.ppid ?? 1) line.add(pid);
  return line;
}

export function processExists(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** Largest process id plus one. */
export function pidLimit(): number {
  try {
    return Number(readFileSync("/proc/sys/kernel/pid_max", "latin1"));
  } catch {
    return 0;
  }
}

/**
 * The id that was given out last in our PID namespace, to a process or a thread. The kernel gives them out in
 * ascending order, so that everything made since a process was made has an id between its own and this one.
 */
export class LastPid {
  readonly #buffer = Buffer.alloc(128);
  readonly #fd: number | undefined;

  constructor() {
    try {
      this.#fd = openSync("/proc/loadavg", "r");
    } catch {
      this.#fd = undefined;
    }
  }

  /** 0 when it cannot be known. */
  read(): number {
    if (this.#fd === undefined) return 0;
    const length = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0);
    const text = this.#buffer.toString("latin1", 0, length);
    return Number(text.slice(text.lastIndexOf(" ") + 1)) || 0;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}

const buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Reads with one buffer for all: the table is read often, and most of its files are small. */
function readProcFile(pid: number, file: "cmdline" | "stat" | "environ"): string | undefined {
  try {
    return withSpareDescriptor(() => readText(`/proc/${pid}/${file}`));
  } catch {
    return undefined;
  }
}

function readText(path: string): string {
  const fd = openSync(path, "r");
  try {
    const length = readSync(fd, buffer, 0, buffer.length, 0);
    if (length < buffer.length) return buffer.toString("latin1", 0, length);
  } finally {
    closeSync(fd);
  }
  return readFileSync(path, "latin1");
}
