/**
 * Who this process is, for others and for its successor on the same host. The owner of a claim is
 *
 *   host id : boot id : PID namespace : pid : start time : random
 *
 * A later process may act for a dead owner only where host, boot and namespace are its own: two containers on one host
 * share a boot id, and a pid means nothing outside its namespace.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface Identity {
  readonly host: string;
  readonly bootId: string;
  /** Inode of the PID namespace, or "0" where there is none. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** Clock ticks since boot; tells a reused pid from the old one. */
  readonly startTime: string;
  /** The whole as one word. */
  readonly owner: string;
}

/** Reads the facts of this process. `hostId` replaces the machine id. Never throws: what cannot be read is "0". */
export function ownIdentity(hostId: string | undefined): Identity {
  const facts = {
    host: hostId ?? (firstLine("/etc/machine-id") || hostname()),
    bootId: firstLine("/proc/sys/kernel/random/boot_id") || "0",
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? "0",
  };
  const random = randomBytes(6).toString("hex");
  const owner = [facts.host, facts.bootId, facts.pidNamespace, facts.pid, facts.startTime, random].join(":");
  return { ...facts, owner };
}

/** The facts of an owner word, or undefined when it is none. */
export function parseOwner(owner: string): Omit<Identity, "owner"> | undefined {
  const [host, bootId, pidNamespaceText, pid, startTime, random, ...rest] = owner.split(":");
  if (random === undefined || rest.length > 0 || !/^\d{1,10}$/.test(pid ?? "")) return undefined;
  return {
    host: host ?? "",
    bootId: bootId ?? "",
    pidNamespace: pidNamespaceText ?? "",
    pid: Number(pid),
    startTime: startTime ?? "",
  };
}

/** Was `owner` a process of this host, boot and namespace that lives no more? False when it cannot be known. */
export function isDeadNeighbour(owner: string, own: Identity): boolean {
  const other = parseOwner(owner);
  if (other === undefined || other.host !== own.host || other.bootId !== own.bootId) return false;
  if (own.bootId === "0" || own.pidNamespace === "0" || other.pidNamespace !== own.pidNamespace) return false;
  return startTimeOf(other.pid) !== other.startTime && !isHidden(other.pid);
}

/** A process of another user where /proc shows only one's own (hidepid): it lives, though it cannot be looked at. */
function isHidden(pid: number): boolean {
  if (existsSync(`/proc/${pid}`)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // kill throws system errors only
  }
}

/** Field 22 of /proc/PID/stat, or undefined when there is no such process. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command name in brackets may hold anything, spaces and brackets included.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

function pidNamespace(): string {
  try {
    return /\[(\d+)\]/.exec(readlinkSync("/proc/self/ns/pid"))?.[1] ?? "0";
  } catch {
    return "0";
  }
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, "utf8").split("\n", 1)[0]?.trim() ?? "";
  } catch {
    return "";
  }
}
