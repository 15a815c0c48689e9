/**
 * One file of the replay journal: append lines, be sure they are on disk, learn in which order they came. A line is
 * `<sha256 of the job> <token of the start> <check>` after a line break, so that a line which a crash cut short cannot
 * spoil the next one. Several processes append to the file at the same time; nobody rewrites it.
 */
import { hash } from "node:crypto";
import { closeSync, fdatasync, fstatSync, openSync, read, statSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";

export interface StartLine {
  /** 64 hex digits. */
  readonly digest: string;
  /** 16 hex digits, different for every start. */
  readonly token: string;
}

const linePattern = /^([0-9a-f]{64}) ([0-9a-f]{16}) ([0-9a-f]{8})$/;
const chunkBytes = 1 << 20;
const syncData = promisify(fdatasync);
const readAt = promisify(read);

export class JournalFile {
  readonly path: string;
  /** Job (raw bytes of its digest, which take a third of the memory) to its starts so far. */
  readonly #starts = new Map<string, number>();
  /** Everything before this byte has been read. */
  #offset = 0;
  /** For appending; open from the first append on. */
  #fd: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** Starts of the job in this file, as far as it was read. */
  startsOf(digest: string): number {
    return this.#starts.get(rawOf(digest)) ?? 0;
  }

  /** As far as it was read. */
  get isEmpty(): boolean {
    return this.#offset === 0;
  }

  /** Reads what others appended since. A missing file is an empty one: nobody has started a job of this hour yet. */
  async refresh(): Promise<void> {
    const size = this.#size();
    if (size === this.#offset || size === 0) return;
    const fd = openSync(this.path, "r");
    try {
      await this.#read(fd, new Map());
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Appends the lines in one write, waits until they are on disk, and tells for each token the how-manieth start of its
   * job it is, counted over all processes. Rejects when the disk takes less than all of it.
   */
  async append(lines: readonly StartLine[]): Promise<ReadonlyMap<string, number>> {
    this.#fd ??= openSync(this.path, "a+", 0o600);
    const fd = this.#fd;
    const bytes = Buffer.from(lines.map(({ digest, token }) => lineOf(digest, token)).join(""));
    const written = writeSync(fd, bytes);
    if (written !== bytes.byteLength)
      throw new Error(`${this.path} took ${written} of ${bytes.byteLength} bytes`);
    await syncData(fd);
    if (this.#offset === 0) await syncFolder(dirname(this.path));
    const ranks = new Map(lines.map(({ token }): [string, number] => [token, 0]));
    if (fstatSync(fd).size === this.#offset + written) {
      // Nobody else wrote since the last look: what would be read is what was written.
      for (const { digest, token } of lines) this.#add(digest, token, ranks);
      this.#offset += written;
    } else {
      await this.#read(fd, ranks);
    }
    for (const [token, rank] of ranks) if (rank === 0) ranks.delete(token);
    return ranks;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #size(): number {
    if (this.#fd !== undefined) {
      const { nlink, size } = fstatSync(this.#fd);
      if (nlink > 0) return size;
      // Another process has deleted it, having found it expired by a clock that is ahead.
      this.close();
      this.#offset = 0;
    }
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Counts every whole line behind the offset; writes the rank of the tokens that are asked for. */
  async #read(fd: number, ranks: Map<string, number>): Promise<void> {
    const chunk = Buffer.alloc(Math.min(chunkBytes, Math.max(1, fstatSync(fd).size - this.#offset)));
    let rest = "";
    let at = this.#offset;
    for (;;) {
      const { bytesRead } = await readAt(fd, chunk, 0, chunk.byteLength, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      const parts = (rest + chunk.toString("latin1", 0, bytesRead)).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) this.#count(part, ranks);
    }
    // The last line may still be growing, or be cut short for ever. It counts as soon as it is whole.
    const whole = this.#count(rest, ranks);
    this.#offset = whole ? at : at - rest.length;
  }

  #count(line: string, ranks: Map<string, number>): boolean {
    const [, digest, token, check] = linePattern.exec(line) ?? [];
    if (digest === undefined || token === undefined || check !== checkOf(digest, token)) return false;
    this.#add(digest, token, ranks);
    return true;
  }

  #add(digest: string, token: string, ranks: Map<string, number>): void {
    const raw = rawOf(digest);
    const rank = (this.#starts.get(raw) ?? 0) + 1;
    this.#starts.set(raw, rank);
    if (ranks.has(token)) ranks.set(token, rank);
  }
}

function lineOf(digest: string, token: string): string {
  return `\n${digest} ${token} ${checkOf(digest, token)}`;
}

function checkOf(digest: string, token: string): string {
  return hash("sha256", `${digest} ${token}`, "hex").slice(0, 8);
}

function rawOf(digest: string): string {
  return Buffer.from(digest, "hex").toString("latin1");
}

/** Makes new and renamed files of a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
