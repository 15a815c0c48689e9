/**
 * Answers cheaply, for a job whose main process has ended, whether a process of it may be left. The group is asked by
 * one system call. Who left the group can only be found by looking, but only among the processes made since the job
 * began, and the kernel tells where these are: it gives ids in ascending order and names the last one given.
 * On a quiet machine that is nobody, and the whole check costs two system calls.
 */
import { LastPid, pidLimit } from "./proc.ts";
import type { ProcessFamily } from "./process-family.ts";
import { groupExists } from "./signals.ts";

/** No machine makes processes faster; so long is the order of ids to be trusted before it can have come round. */
const mostPidsPerMs = 100;

export class LeftoverCheck {
  readonly lastPid = new LastPid();
  readonly #trustedMs = pidLimit() / mostPidsPerMs;
  /** Main processes of the jobs that run now. */
  readonly #running = new Set<number>();
  /** Those for which the last id given out was not told: some containers show a made-up /proc/loadavg. */
  readonly #untold = new Set<number>();

  begin(pid: number): void {
    this.#running.add(pid);
    if (this.lastPid.read() < pid) this.#untold.add(pid);
  }

  end(pid: number): void {
    this.#running.delete(pid);
    this.#untold.delete(pid);
  }

  /** Whether anything of the job may be left. `ageMs`: how long ago the job began. */
  anyOf(family: ProcessFamily, ageMs: number): boolean {
    const { pid } = family.head;
    if (groupExists(pid)) return mayHaveMember(family);
    if (ageMs > this.#trustedMs || this.#untold.has(pid)) return mayHaveMember(family);
    let seenUpTo = pid;
    for (let look = 0; look < 5; look += 1) {
      const last = this.lastPid.read();
      if (last < seenUpTo) break;
      if (last === seenUpTo) return false;
      if (family.mayHaveMemberBetween(seenUpTo, last, this.#running)) return true;
      // Only who was made while we looked is still unknown.
      seenUpTo = last;
    }
    return mayHaveMember(family);
  }

  close(): void {
    this.lastPid.close();
  }
}

function mayHaveMember(family: ProcessFamily): boolean {
  return family.scan().length > 0 || family.isUnclear;
}
