/**
 * One job's live output as events: `out` and `err` with their seq as id, `gap` where bytes are missing, `end` with the final
 * status. From any place: nothing twice, nothing left out without a mark.
 */
import {
  followLog,
  isFinal,
  type LogLine,
  readJob,
  type Commands,
  type RedisConnection,
  type RunnerKeys,
} from "@herorunner/job";
import type { EventStream } from "./event-stream.ts";

export interface JobLogSource {
  readonly keys: RunnerKeys;
  readonly id: string;
  /** For reading the record. */
  readonly redis: Commands;
  /** To block on; ours to close. */
  readonly own: RedisConnection;
  readonly afterSeq: number;
}

export async function feedJobLog(source: JobLogSource, stream: EventStream): Promise<void> {
  const { keys, id, own, redis, afterSeq } = source;
  const gaps = new GapWatch(afterSeq);
  const vanished = watchRecord(source, stream);
  const signal = AbortSignal.any([stream.signal, vanished.signal]);
  try {
    for await (const line of followLog(own, keys, id, { signal })) {
      const missing = gaps.before(line);
      if (line.seq <= afterSeq) continue;
      if (missing !== undefined) stream.write({ event: "gap", data: missing });
      stream.write({
        id: String(line.seq),
        event: line.stream,
        data: { offset: line.offset, data: line.data },
      });
      await stream.room();
      if (stream.signal.aborted) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    vanished.stop();
    own.close();
  }
  if (stream.signal.aborted) return;
  const job = await readJob(redis, keys, id);
  const reason = job?.reason === undefined ? {} : { reason: job.reason };
  // A record that is gone while we read can only have been deleted or have expired.
  if (job === undefined) stream.write({ event: "end", data: { status: "deleted" } });
  else if (isFinal(job.status)) stream.write({ event: "end", data: { status: job.status, ...reason } });
}

const lookEveryMs = 10_000;

/** Aborts when the job's record is gone: its log would never end. */
function watchRecord(
  { keys, id, redis }: JobLogSource,
  stream: EventStream,
): { signal: AbortSignal; stop: () => void } {
  const gone = new AbortController();
  const timer = setInterval(() => {
    redis.send(["EXISTS", keys.job(id)]).then(
      (exists) => (exists === 0 ? gone.abort() : undefined),
      () => undefined,
    );
  }, lookEveryMs);
  stream.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  return { signal: gone.signal, stop: () => clearInterval(timer) };
}

interface Gap {
  readonly stream?: "out" | "err";
  /** Bytes left out of that stream, where it can be known. */
  readonly bytes?: number;
  /** Entries that fell out of the log, where any did. */
  readonly entries?: number;
}

/** Follows seq and offsets, those of lines that the reader has already included. */
class GapWatch {
  #seq: number | undefined;
  #fromStart: boolean | undefined;
  readonly #ends = new Map<"out" | "err", number>();
  readonly #afterSeq: number;

  constructor(afterSeq: number) {
    this.#afterSeq = afterSeq;
  }

  /** What is missing right before this line. */
  before(line: LogLine): Gap | undefined {
    const previous = this.#seq ?? (this.#afterSeq < line.seq ? this.#afterSeq : line.seq - 1);
    const entries = line.seq - previous - 1;
    // Whoever reads from the start knows that a stream starts at 0; others know only where they saw it end.
    this.#fromStart ??= this.#afterSeq === 0 || line.seq === 1;
    const end = this.#ends.get(line.stream) ?? (this.#fromStart ? 0 : undefined);
    const bytes = end !== undefined && line.offset > end ? line.offset - end : 0;
    this.#seq = line.seq;
    this.#ends.set(line.stream, line.offset + Buffer.byteLength(line.data));
    if (entries <= 0 && bytes === 0) return undefined;
    return {
      stream: line.stream,
      ...(bytes > 0 ? { bytes } : {}),
      ...(entries > 0 ? { entries } : {}),
    };
  }
}
