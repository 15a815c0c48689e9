/**
 * Pipes for the output of jobs. Node connects a child with socket pairs, and a socket cannot be opened by name: with
 * them `echo x > /dev/stderr` fails inside a job. A FIFO can, and reads and writes like any pipe.
 * FIFOs are made ahead in batches, opened, and their names removed at once. None serves two jobs.
 */
import { closeSync, constants, mkdtempSync, openSync, rmdirSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FifoMaker } from "./fifo-maker.ts";

export interface OutputPipe {
  /** Ours: the read end, non-blocking. */
  readonly readEnd: number;
  /** The child's: the write end. Closed by us as soon as the child has it. */
  readonly writeEnd: number;
}

/** How many pipes are made at once. Each holds one descriptor while it waits to be used. */
const batchSize = 64;

export class OutputPipes {
  /** Read ends of pipes nobody writes to yet. They keep the nameless FIFOs alive. */
  readonly #unused: number[] = [];
  readonly #maker = new FifoMaker();
  #filling: Promise<void> | undefined;
  #closed = false;

  /** Hands out `count` pipes. Rejects when none can be made: no `mkfifo`, no descriptors left, a full disk. */
  async take(count: number): Promise<readonly OutputPipe[]> {
    while (this.#unused.length < count) await this.#fill();
    const pipes = openWriteEnds(this.#unused.slice(0, count));
    this.#unused.splice(0, count);
    if (this.#unused.length < batchSize / 4) this.#fill().catch(() => undefined);
    return pipes;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#filling?.catch(() => undefined);
    await this.#maker.close();
    for (const fd of this.#unused.splice(0)) closeSync(fd);
  }

  #fill(): Promise<void> {
    this.#filling ??= this.#makeBatch().finally(() => (this.#filling = undefined));
    return this.#filling;
  }

  async #makeBatch(): Promise<void> {
    if (this.#closed) throw new Error("the executor is closed");
    const folder = mkdtempSync(join(tmpdir(), "herorunner-pipes-"));
    const opened: number[] = [];
    try {
      await this.#maker.make(folder, batchSize);
      for (let index = 0; index < batchSize; index += 1) {
        opened.push(openSync(join(folder, String(index)), constants.O_RDONLY | constants.O_NONBLOCK));
      }
    } catch (error) {
      // The last free descriptors are not kept for pipes that need another one each.
      for (const fd of opened) closeSync(fd);
      throw error;
    } finally {
      removeFifos(folder, batchSize);
    }
    this.#unused.push(...opened);
  }
}

/** Name by name, which works without free descriptors too. Some may not have been made; what stays is not worth an error. */
function removeFifos(folder: string, count: number): void {
  for (let index = 0; index < count; index += 1) {
    attempt(() => unlinkSync(join(folder, String(index))));
  }
  attempt(() => rmdirSync(folder));
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Gone already, or never there.
  }
}

/**
 * Reached through their descriptors, for they have no names any more. It does not block: the read ends are open. All or none:
 * where descriptors are short, none may be lost.
 */
function openWriteEnds(readEnds: readonly number[]): readonly OutputPipe[] {
  const pipes: OutputPipe[] = [];
  try {
    for (const readEnd of readEnds) {
      pipes.push({ readEnd, writeEnd: openSync(`/proc/self/fd/${readEnd}`, constants.O_WRONLY) });
    }
    return pipes;
  } catch (error) {
    for (const { writeEnd } of pipes) closeSync(writeEnd);
    throw error;
  }
}
