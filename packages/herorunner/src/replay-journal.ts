/**
 * What signed jobs were started here, on this machine's own disk: whoever can write to Redis cannot make it forget.
 *
 * One append-only file per hour of expires_at. Every start is one line; all processes of a host append to the
 * same files, and the order of the lines decides who was first, so no lock is needed. A line that a crash cut short is
 * not a line. A file is deleted when no trust file can accept anything in it any more, so the journal stays as small as
 * the jobs that could still be repeated. The folder must be on a local disk: network file systems do not append in order.
 */
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type ReplayGuard, TokenMaker } from "@herorunner/job";
import type { ReplayJournal } from "@herorunner/runner";
import { JournalFile, syncFolder } from "./journal-file.ts";
import { makeFolder } from "./make-folder.ts";

const hourMs = 3_600_000;
const dayMs = 86_400_000;
/** Signatures of version 1 end never; their starts are remembered this many days. */
const v1Days = 30;
/** The most that max_skew_s can be. Earlier builds named files by the hour of expires_at and max_skew_s together. */
const skewHours = 24;
/** Expired files stay a little longer, for a clock that is set back. */
const spareHours = 2;
/** Two changes that are closer to each other than the clock of a file system goes have the same time. */
const settledAfterMs = 2_000;

export interface JournalOptions {
  /** Made if missing, for this user alone. Runners may share it: the name of a job includes its runner. */
  readonly folder: string;
  /** Wall clock, ms. */
  readonly now: () => number;
}

interface Waiting {
  readonly guard: ReplayGuard;
  readonly token: string;
  readonly resolve: (accepted: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class FileReplayJournal implements ReplayJournal {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #files = new Map<string, JournalFile>();
  /** Hours up to this one are closed for good, even if the clock is set back. */
  #floorHour: number;
  #prunedHour = 0;
  #listing: { readonly mtimeNs: bigint; readonly names: readonly string[] } | undefined;
  /** They tell starts apart; nobody has to be unable to guess them. */
  readonly #tokens = new TokenMaker(8);
  #waiting: Waiting[] = [];
  #flushing = false;

  private constructor(options: JournalOptions, floorHour: number) {
    this.#folder = options.folder;
    this.#now = options.now;
    this.#floorHour = floorHour;
  }

  /** Rejects when the folder cannot be made or written; a runner that checks signatures must not start then. */
  static async open(options: JournalOptions): Promise<FileReplayJournal> {
    await makeFolder(options.folder);
    const journal = new FileReplayJournal(options, await readFloor(options.folder));
    await journal.#prune();
    await syncFolder(options.folder);
    return journal;
  }

  /**
   * Records one start. True: it is among the first `maxStarts` of this job on this host, and that is on disk. Rejects
   * when the disk does not take it; the job must not be started then.
   */
  accept(guard: ReplayGuard): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ guard, token: this.#tokens.next(), resolve, reject });
      if (this.#flushing) return;
      this.#flushing = true;
      // Starts that were granted by one answer of the queue are here within this turn, and share one sync.
      setImmediate(() => void this.#flush()); // answers through the promises that wait
    });
  }

  /** Everything that came together shares one write and one sync. Never rejects. */
  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#prune();
        for (const [name, group] of groupBy(batch, (one) => this.#fileName(one.guard))) {
          await this.#record(name, group);
        }
      } catch (error) {
        // Those already answered do not hear this.
        for (const one of batch) one.reject(error);
      }
    }
    this.#flushing = false;
  }

  /** Which file a start belongs to; undefined when that file is closed. The same job always names the same file. */
  #fileName(guard: ReplayGuard): string | undefined {
    if (guard.untilMs === undefined) return `v1-${Math.floor(this.#now() / dayMs)}`;
    const hour = Math.floor(guard.untilMs / hourMs);
    return hour <= this.#floorHour ? undefined : `h-${hour}`;
  }

  async #record(name: string | undefined, group: readonly Waiting[]): Promise<void> {
    if (name === undefined) {
      for (const one of group) one.resolve(false);
      return;
    }
    const file = this.#file(name);
    await file.refresh();
    // Another process may have closed the hour and deleted its file since the floor was read here.
    if (file.isEmpty && (await this.#closedByOthers(name))) return this.#record(undefined, group);
    let others = await this.#otherFiles(name);
    const elsewhere = (digest: string): number => sum(others.map((one) => one.startsOf(digest)));
    const open: Waiting[] = [];
    for (const one of group) {
      const { digest, maxStarts } = one.guard;
      // What is known to be used up is not written again, or a flood of replays would grow the file.
      if (elsewhere(digest) + file.startsOf(digest) >= maxStarts) one.resolve(false);
      else open.push(one);
    }
    if (open.length === 0) return;
    const ranks = await file.append(open.map(({ guard, token }) => ({ digest: guard.digest, token })));
    // Around midnight another process may write the same job into the file of another day, and one of an earlier build into
    // that of another hour; whoever looks last sees both.
    others = await this.#otherFiles(name);
    for (const one of open) {
      const rank = ranks.get(one.token);
      if (rank === undefined)
        one.reject(new Error(`the replay journal ${file.path} lost a line it had taken`));
      else one.resolve(elsewhere(one.guard.digest) + rank <= one.guard.maxStarts);
    }
  }

  async #closedByOthers(name: string): Promise<boolean> {
    if (!name.startsWith("h-")) return false;
    this.#floorHour = Math.max(this.#floorHour, await readFloor(this.#folder));
    return numberOf(name) <= this.#floorHour;
  }

  #file(name: string): JournalFile {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const file = new JournalFile(join(this.#folder, `${name}.log`));
    this.#files.set(name, file);
    return file;
  }

  /** Where a start may be beside `name`: in any day, or in an hour after it. */
  async #otherFiles(name: string): Promise<readonly JournalFile[]> {
    const hour = numberOf(name);
    const names = (await this.#names()).filter((one) => {
      if (name.startsWith("v1-")) return one.startsWith("v1-") && one !== name;
      return one.startsWith("h-") && numberOf(one) > hour && numberOf(one) <= hour + skewHours;
    });
    const files = names.map((one) => this.#file(one));
    for (const file of files) await file.refresh();
    return files;
  }

  /** Of the files there are. The folder is read again when it was changed, as its time of change tells. */
  async #names(): Promise<readonly string[]> {
    const { mtimeNs, mtimeMs } = statSync(this.#folder, { bigint: true });
    if (this.#listing?.mtimeNs === mtimeNs) return this.#listing.names;
    const isSettled = Math.abs(Date.now() - Number(mtimeMs)) > settledAfterMs;
    const entries = await readdir(this.#folder);
    const logs = entries.filter((one) => /^(?:h|v1)-\d{1,9}\.log$/.test(one));
    const names = logs.map((one) => one.slice(0, -4));
    this.#listing = isSettled ? { mtimeNs, names } : undefined;
    return names;
  }

  /** Once an hour: closes and deletes what has expired. */
  async #prune(): Promise<void> {
    const nowMs = this.#now();
    const hour = Math.floor(nowMs / hourMs);
    if (hour === this.#prunedHour) return;
    const idleHour = hour - 1 - spareHours;
    const lastHour = idleHour - skewHours;
    const lastDay = Math.floor(nowMs / dayMs) - v1Days - 1;
    const names = await this.#names();
    const dead = names.filter((name) => numberOf(name) <= (name.startsWith("v1-") ? lastDay : lastHour));
    if (dead.length > 0 && lastHour > this.#floorHour) {
      // Closed first, deleted after: a crash in between must not open an hour whose starts are forgotten.
      await writeFloor(this.#folder, lastHour);
      this.#floorHour = lastHour;
    }
    for (const name of dead) {
      await rm(join(this.#folder, `${name}.log`), { force: true });
      this.#forget(name);
    }
    // Hardly anybody forgives that much: it is read again should somebody ask, and takes no memory until then.
    for (const name of this.#files.keys())
      if (name.startsWith("h-") && numberOf(name) <= idleHour) this.#forget(name);
    this.#prunedHour = hour;
  }

  #forget(name: string): void {
    this.#files.get(name)?.close();
    this.#files.delete(name);
  }
}

/** The hour or day of a file. */
function numberOf(name: string): number {
  return Number(name.slice(name.indexOf("-") + 1));
}

async function readFloor(folder: string): Promise<number> {
  try {
    const text = await readFile(join(folder, "floor"), "utf8");
    const hour = /^\d{1,9}\n$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isNaN(hour))
      throw new Error(`${join(folder, "floor")} does not hold a number; is the disk full?`);
    return hour;
  } catch (error) {
    // Missing at the first start; anything else is told.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

async function writeFloor(folder: string, hour: number): Promise<void> {
  const temporary = join(folder, `floor-${randomBytes(4).toString("hex")}.tmp`);
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(`${hour}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, "floor"));
  await syncFolder(folder);
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
