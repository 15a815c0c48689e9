/**
 * Live output on its way to the queue: collected into batches, so that a chatty script costs a few writes a second, and
 * a short job none of its own: what waits at its end goes with its outcome. A convenience beside the result: when the queue is
 * slow or away, output is left out here (its offset then jumps) and nowhere else.
 */
import type { LogEntry } from "@herorunner/job";
import type { Clock } from "./ports.ts";

const batchEveryMs = 200;
/** This much is sent at once, without waiting for more. */
const batchBytes = 256 * 1024;
/** What comes while this much waits to be sent is left out. */
const backlogBytes = 1024 * 1024;
/** Or this many entries: a job may write single bytes to both streams in turn. It is as many as the queue keeps of a log. */
const backlogEntries = 10_000;
/** Neighbouring pieces of a stream become one entry up to this length, so that byte-wise writers cost no more than others. */
const entryLength = 16 * 1024;

export class LiveLog {
  readonly #append: (entries: readonly LogEntry[]) => Promise<void>;
  readonly #clock: Clock;
  #waiting: LogEntry[] = [];
  #waitingBytes = 0;
  /** The flushing that begins with the next turn of the event loop. */
  #soon: NodeJS.Immediate | undefined;
  #flushing: Promise<void> | undefined;
  #ended = false;
  /** Ends the wait for more output. */
  #wake: AbortController | undefined;
  readonly #onDropped: (bytes: number) => void;

  /** `onDropped` is told what is left out. Must not throw. */
  constructor(
    append: (entries: readonly LogEntry[]) => Promise<void>,
    clock: Clock,
    onDropped: (bytes: number) => void = () => undefined,
  ) {
    this.#append = append;
    this.#clock = clock;
    this.#onDropped = onDropped;
  }

  /** Never throws and never waits. */
  write(stream: "out" | "err", offset: number, data: string): void {
    const bytes = Buffer.byteLength(data);
    if (this.#ended || bytes === 0) return;
    if (this.#waitingBytes + bytes > backlogBytes) return this.#onDropped(bytes);
    const last = this.#waiting.at(-1);
    const joins = last?.stream === stream && last.offset + Buffer.byteLength(last.data) === offset;
    if (last !== undefined && joins && last.data.length + data.length <= entryLength) {
      this.#waiting[this.#waiting.length - 1] = { stream, offset: last.offset, data: last.data + data };
    } else if (this.#waiting.length < backlogEntries) {
      this.#waiting.push({ stream, offset, data });
    } else return this.#onDropped(bytes);
    this.#waitingBytes += bytes;
    // Of a job that is over within this turn nothing is flushed, and what that takes is not made.
    if (this.#flushing !== undefined) return;
    this.#soon ??= setImmediate(() => {
      this.#flushing = this.#flushAll();
    });
  }

  async #flushAll(): Promise<void> {
    this.#soon = undefined;
    this.#wake = new AbortController();
    while (this.#waiting.length > 0) {
      await this.#clock.sleep(this.#waitingBytes < batchBytes ? batchEveryMs : 0, this.#wake.signal);
      if (this.#ended) break;
      const batch = this.#waiting;
      const bytes = this.#waitingBytes;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#append(batch);
      } catch {
        this.#onDropped(bytes); // the result does not depend on it
      }
    }
    this.#flushing = undefined; // in the same breath as the last look, so that nothing can slip in between
  }

  /** Takes no more. Resolves with what was not sent yet, when nothing is on its way any more. */
  async end(): Promise<readonly LogEntry[]> {
    this.#ended = true;
    clearImmediate(this.#soon);
    this.#wake?.abort("ended"); // with a reason, for to make one costs
    await this.#flushing;
    return this.#waiting.splice(0);
  }
}
