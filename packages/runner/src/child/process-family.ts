/**
 * Which processes belong to one job. Four marks make a member: the process group, the session, the marker variable in
 * the environment it was started with, and having a member as its parent. A member that was seen once stays known.
 */
import type { FoundProcess } from "@herorunner/job";
import { ExecWatch } from "./exec-watch.ts";
import {
  environmentOf,
  holdsEntry,
  isAlive,
  isNobodyElse,
  type LastPid,
  listPids,
  ownLine,
  processExists,
  type ProcessStat,
  readStat,
} from "./proc.ts";
import { signalGroup, signalProcess } from "./signals.ts";

export interface FamilyHead {
  readonly pid: number;
  /** 0 when it was gone before it could be read, whoever has its number. */
  readonly startTicks: number;
  /** Nothing of the job is older. Default: `startTicks`. */
  readonly sinceTicks?: number;
  /** `NAME=value`, as it stands in the environment of the job's processes. */
  readonly marker: string;
}

export interface Member extends FoundProcess {
  readonly startTicks: number;
}

export class ProcessFamily {
  readonly head: FamilyHead;
  readonly #lastPid: LastPid;
  /** Every process that was ever found, by pid and start time. */
  readonly #seen = new Map<string, Member>();
  readonly #execs = new ExecWatch();
  #sawExec = false;

  constructor(head: FamilyHead, lastPid: LastPid) {
    this.head = head;
    this.#lastPid = lastPid;
  }

  /** Every member found so far except the job's main process. */
  get found(): readonly Member[] {
    return [...this.#seen.values()].filter((member) => member.pid !== this.head.pid);
  }

  /** Whether the last look met a process of which it could not be told whose it is, yet. */
  get isUnclear(): boolean {
    return this.#sawExec;
  }

  /** Looks through the whole process table for living members. Newest first. `onFound` is called at once for each. */
  scan(onFound?: (member: Member) => void): readonly Member[] {
    const look = new Look();
    this.#sawExec = false;
    let seenUpTo = this.#lastPid.read();
    this.#lookAt(listPids(), look, onFound);
    // A process that forks and ends all the time is always behind the look; so follow it.
    for (let round = 0; round < 20; round += 1) {
      const last = this.#lastPid.read();
      if (last <= seenUpTo) break;
      this.#lookAt(listedBetween(seenUpTo, last), look, onFound);
      seenUpTo = last;
    }
    for (let grew = true; grew;) {
      grew = false;
      for (const stat of look.stats.values()) {
        if (look.members.has(stat.pid) || !look.members.has(stat.ppid)) continue;
        this.#add(stat, "descendant", look, onFound);
        grew = true;
      }
    }
    return [...look.members.values()];
  }

  /**
   * Whether a member may live among the processes with ids above `after` up to `last`. `siblings` are the main
   * processes of other jobs: nobody can enter the session of another job, so these are passed over without a closer look.
   */
  mayHaveMemberBetween(after: number, last: number, siblings: ReadonlySet<number>): boolean {
    this.#sawExec = false;
    const found = pidsBetween(after, last).some((pid) => {
      if (siblings.has(pid)) return false;
      const stat = readStat(pid);
      if (!isAlive(stat)) return false;
      if (stat.session !== this.head.pid && siblings.has(stat.session)) return false;
      return this.#kinship(stat) !== undefined;
    });
    return found || this.#sawExec;
  }

  /**
   * Takes in processes that somebody else knows to be of the job. Never one that we descend from, whoever has put it among
   * them: with it, all others on the machine would be of the job.
   */
  adopt(pids: readonly number[], via: FoundProcess["via"]): void {
    if (pids.length === 0) return;
    const above = ownLine();
    for (const pid of pids) {
      if (above.has(pid)) continue;
      const stat = readStat(pid);
      if (isAlive(stat)) this.#remember(stat, stat.group === this.head.pid ? "group" : via);
    }
  }

  /** Signals the group at once, and members outside of it one by one. */
  signal(members: readonly Member[], signal: NodeJS.Signals): void {
    if (this.ownsGroup()) signalGroup(this.head.pid, signal);
    for (const member of members) this.#signalMember(member, signal, (stat) => stat.group !== this.head.pid);
  }

  /** Kills one member, in the group or not: between two looks a process can leave the group. */
  kill(member: Member): void {
    this.#signalMember(member, "SIGKILL", () => true);
  }

  /**
   * Whether the group may be signalled. Its number is not given out again while it has members; if a process of that
   * number lives and is not the one we started, the group is a stranger's: also if ours was gone before it could be read.
   */
  ownsGroup(): boolean {
    return isNobodyElse(this.head.pid, this.head.startTicks);
  }

  #lookAt(pids: readonly number[], look: Look, onFound: ((member: Member) => void) | undefined): void {
    for (const pid of pids) {
      if (isOfNoJob(pid)) continue;
      const stat = readStat(pid);
      if (!isAlive(stat)) continue;
      look.stats.set(pid, stat);
      const via = this.#kinship(stat);
      if (via !== undefined) this.#add(stat, via, look, onFound);
    }
  }

  #add(
    stat: ProcessStat,
    via: FoundProcess["via"],
    look: Look,
    onFound: ((member: Member) => void) | undefined,
  ): void {
    const member = this.#remember(stat, via);
    look.members.set(stat.pid, member);
    onFound?.(member);
  }

  /** Only if it is still the process that was found. */
  #signalMember(member: Member, signal: NodeJS.Signals, condition: (stat: ProcessStat) => boolean): void {
    const stat = readStat(member.pid);
    if (stat?.startTicks === member.startTicks && condition(stat)) signalProcess(member.pid, signal);
  }

  #kinship(stat: ProcessStat): FoundProcess["via"] | undefined {
    // A group lies within a session.
    if (!isOfNoJob(this.head.pid) && stat.session === this.head.pid && this.ownsGroup()) {
      return stat.group === this.head.pid ? "group" : "session";
    }
    const known = this.#seen.get(keyOf(stat));
    if (known !== undefined) return known.via;
    // What is older than the job is not of the job; this spares most environments.
    if (stat.startTicks < (this.head.sinceTicks ?? this.head.startTicks)) return undefined;
    const environment = environmentOf(stat);
    if (this.#execs.isOnItsWay(stat, environment)) this.#sawExec = true;
    return environment !== undefined && holdsEntry(environment, this.head.marker) ? "marker" : undefined;
  }

  #remember(stat: ProcessStat, via: FoundProcess["via"]): Member {
    const key = keyOf(stat);
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const member = { pid: stat.pid, ppid: stat.ppid, name: stat.name, via, startTicks: stat.startTicks };
    // Who ends by itself was not left behind: it is waited for, and not told.
    if (!stat.isEnding) this.#seen.set(key, member);
    return member;
  }
}

/** What one look through the process table has met. */
class Look {
  readonly stats = new Map<number, ProcessStat>();
  readonly members = new Map<number, Member>();
}

/**
 * We, and the first process of the machine or container, whoever tells so: who has a member as its parent is one too, and
 * everybody descends from the first one. 0 is the session of what was begun outside of our PID namespace.
 */
function isOfNoJob(pid: number): boolean {
  return pid <= 1 || pid === process.pid;
}

function keyOf(stat: ProcessStat): string {
  return `${stat.pid}:${stat.startTicks}`;
}

/** Threads share the ids and can be asked for, and belong to a process that is listed. */
function pidsBetween(after: number, last: number): readonly number[] {
  // Asking for each id is cheaper than listing all while they are few.
  if (last - after > 32) return listedBetween(after, last);
  return Array.from({ length: last - after }, (_, index) => after + 1 + index).filter(processExists);
}

function listedBetween(after: number, last: number): readonly number[] {
  return listPids().filter((pid) => pid > after && pid <= last);
}
