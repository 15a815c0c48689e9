/** Reads a job's live log as it grows: every entry once, in order, with marks where bytes were left out. */
import type { RunnerKeys } from "./keys.ts";
import { statusOf } from "./record.ts";
import { isFinal } from "./job.ts";
import type { RedisConnection, Reply } from "./redis/connection.ts";

export interface LogLine {
  readonly seq: number;
  readonly stream: "out" | "err";
  /** Byte offset of `data` in its stream. */
  readonly offset: number;
  readonly data: string;
  /** Redis time, ms. */
  readonly timeMs: number;
}

interface FollowOptions {
  readonly afterSeq?: number;
  /** Default true. False: end after what is there. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A wait for the next entry is interrupted to look at the status: soon after the last entry, because jobs often end with
 * their last word, then less and less often.
 */
const blockMs = { first: 50, growth: 1.6, last: 1_000 } as const;

/** Why a log was read no further: its job is final, the end of what is there was asked for, or there is no such job (any more). */
export type LogEnd = "final" | "asked" | "gone";

/** Ends when the job is final or gone (or nobody wants to follow it) and everything was read. The connection is the caller's, and blocked meanwhile. */
export async function* followLog(
  connection: RedisConnection,
  keys: RunnerKeys,
  id: string,
  options: FollowOptions = {},
): AsyncGenerator<LogLine, LogEnd, undefined> {
  const abort = (): void => connection.drop();
  options.signal?.addEventListener("abort", abort, { once: true });
  let last = "0-0";
  let block: number = blockMs.first;
  let final = false;
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      // The status is read before the entries: when it was final, the entries that follow are all there are.
      const status = await connection.send(["HGET", keys.job(id), "status"]);
      // Without a status it waits; without a hash it was deleted or has expired, and no runner will write any more.
      if (status === null && (await connection.send(["EXISTS", keys.job(id)])) === 0) {
        return final ? "final" : "gone";
      }
      final = isFinal(statusOf(status === null ? undefined : String(status)));
      const ends = final || options.follow === false;
      const wait = ends ? [] : ["BLOCK", String(Math.round(block))];
      const command = ["XREAD", "COUNT", "500", ...wait, "STREAMS", keys.log(id), last];
      const entries = parseEntries(await connection.send(command));
      for (const { entryId, line } of entries) {
        last = entryId;
        if (line.seq > (options.afterSeq ?? 0)) yield line;
      }
      if (ends && entries.length === 0) return final ? "final" : "asked";
      block = entries.length > 0 ? blockMs.first : Math.min(block * blockMs.growth, blockMs.last);
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
}

function parseEntries(reply: Reply): readonly { readonly entryId: string; readonly line: LogLine }[] {
  const [stream] = asList(reply);
  const [, entries] = asList(stream ?? null);
  return asList(entries ?? null).map(parseEntry);
}

/** One element of an XRANGE or XREAD answer. */
export function parseEntry(entry: Reply): { readonly entryId: string; readonly line: LogLine } {
  const [rawId, rawFields] = asList(entry);
  const flat = asList(rawFields ?? null).map((part) =>
    Buffer.isBuffer(part) ? part.toString() : String(part),
  );
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i] ?? "", flat[i + 1] ?? "");
  const entryId = String(rawId);
  return {
    entryId,
    line: {
      seq: Number(fields.get("seq")),
      stream: fields.get("stream") === "err" ? "err" : "out",
      offset: Number(fields.get("offset")),
      data: fields.get("data") ?? "",
      timeMs: Number(entryId.split("-")[0]),
    },
  };
}

function asList(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : []; // Array.isArray loses the element type
}
