/**
 * Which processes belong to one job. Four marks make a member: the process group, the session, the marker variable in
 * the environment it was started with, and having a member as its parent. A member that was seen once stays known.
 */
import type { FoundProcess } from "@herorunner/job";
import { environmentHolds, isAlive, listPids, processExists, type ProcessStat, readStat } from "./proc.ts";
import { signalGroup, signalProcess } from "./signals.ts";

export interface FamilyHead {
  readonly pid: number;
  /** 0 when it was gone before it could be read. */
  readonly startTicks: number;
  /** `NAME=value`, as it stands in the environment of the job's processes. */
  readonly marker: string;
}

export interface Member extends FoundProcess {
  readonly startTicks: number;
}

export class ProcessFamily {
  readonly head: FamilyHead;
  /** Every process that was ever found, by pid and start time. */
  readonly #seen = new Map<string, Member>();

  constructor(head: FamilyHead) {
    this.head = head;
  }

  /** Every member found so far except the job's main process. */
  get found(): readonly Member[] {
    return [...this.#seen.values()].filter((member) => member.pid !== this.head.pid);
  }

  /** Looks through the whole process table for living members. Newest first. `onFound` is called at once for each. */
  scan(onFound?: (member: Member) => void): readonly Member[] {
    const stats = new Map<number, ProcessStat>();
    const members = new Map<number, Member>();
    const add = (stat: ProcessStat, via: FoundProcess["via"]): void => {
      const member = this.#remember(stat, via);
      members.set(stat.pid, member);
      onFound?.(member);
    };
    const numberIsOurs = this.ownsGroup();
    for (const pid of listPids()) {
      if (pid === process.pid) continue;
      const stat = readStat(pid);
      if (!isAlive(stat)) continue;
      stats.set(pid, stat);
      const via = this.#kinship(stat, numberIsOurs);
      if (via !== undefined) add(stat, via);
    }
    for (let grew = true; grew;) {
      grew = false;
      for (const stat of stats.values()) {
        if (members.has(stat.pid) || !members.has(stat.ppid)) continue;
        add(stat, "descendant");
        grew = true;
      }
    }
    return [...members.values()];
  }

  /**
   * Whether a member lives among the processes with ids above `after` up to `last`. `siblings` are the main processes
   * of other jobs: nobody can enter the session of another job, so these are passed over without a closer look.
   */
  hasMemberBetween(after: number, last: number, siblings: ReadonlySet<number>): boolean {
    const numberIsOurs = this.ownsGroup();
    return pidsBetween(after, last).some((pid) => {
      if (siblings.has(pid)) return false;
      const stat = readStat(pid);
      if (!isAlive(stat)) return false;
      if (stat.session !== this.head.pid && siblings.has(stat.session)) return false;
      return this.#kinship(stat, numberIsOurs) !== undefined;
    });
  }

  /** Takes in processes that somebody else knows to be of the job. */
  adopt(pids: readonly number[], via: FoundProcess["via"]): void {
    for (const pid of pids) {
      const stat = readStat(pid);
      if (isAlive(stat)) this.#remember(stat, stat.group === this.head.pid ? "group" : via);
    }
  }

  /** Signals the group and, one by one, members outside of it, each only if it is still the process that was found. */
  signal(members: readonly Member[], signal: NodeJS.Signals): void {
    if (this.ownsGroup()) signalGroup(this.head.pid, signal);
    for (const member of members) if (member.via !== "group") this.signalMember(member, signal);
  }

  signalMember(member: Member, signal: NodeJS.Signals): void {
    if (readStat(member.pid)?.startTicks === member.startTicks) signalProcess(member.pid, signal);
  }

  #kinship(stat: ProcessStat, numberIsOurs: boolean): FoundProcess["via"] | undefined {
    if (numberIsOurs && stat.group === this.head.pid) return "group";
    if (numberIsOurs && stat.session === this.head.pid) return "session";
    const known = this.#seen.get(keyOf(stat));
    if (known !== undefined) return known.via;
    // What is older than the job is not of the job; this spares most environments.
    if (stat.startTicks < this.head.startTicks) return undefined;
    return environmentHolds(stat.pid, this.head.marker) ? "marker" : undefined;
  }

  /**
   * Whether the group may be signalled. The number of a group is not given out again while the group has members. If a process of that number lives and
   * is not the one we started, the group is a stranger's.
   */
  ownsGroup(): boolean {
    const stat = readStat(this.head.pid);
    return stat === undefined || this.head.startTicks === 0 || stat.startTicks === this.head.startTicks;
  }

  #remember(stat: ProcessStat, via: FoundProcess["via"]): Member {
    const key = keyOf(stat);
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const member = { pid: stat.pid, ppid: stat.ppid, name: stat.name, via, startTicks: stat.startTicks };
    this.#seen.set(key, member);
    return member;
  }
}

function keyOf(stat: ProcessStat): string {
  return `${stat.pid}:${stat.startTicks}`;
}

/** Asking for each id is cheaper than listing all while they are few. Listing leaves out threads, which share the ids. */
function pidsBetween(after: number, last: number): readonly number[] {
  if (last - after > 32) return listPids().filter((pid) => pid > after && pid <= last);
  return Array.from({ length: last - after }, (_, index) => after + 1 + index).filter(processExists);
}
