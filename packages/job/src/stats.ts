/**
 * How the jobs of a runner ended lately: per minute of the last hour, per quarter of an hour of the last day. Counted by
 * the scripts that make jobs final, once a job, whoever looks. For plots: an estimate of times, exact in numbers.
 */
import type { RunnerKeys } from "./keys.ts";
import { readCounts } from "./lua/read-counts.ts";
import { isJobReason, type JobReason } from "./outcome.ts";
import type { Commands } from "./redis/pool.ts";
import type { Reply } from "./redis/connection.ts";
import { listOf, pairsOf, textOf } from "./redis/reply.ts";
import { statsRings } from "./redis/script.ts";

/** How often a time was seen, by bucket: bucket b holds what is from 2^(b/2) - 1 to 2^((b+1)/2) - 1 ms. */
export type TimeCounts = ReadonlyMap<number, number>;

export interface EndingCounts {
  readonly finished: number;
  readonly failed: number;
  readonly reasons: ReadonlyMap<JobReason, number>;
  /** From queued to taken, of jobs whose client said when they were queued. */
  readonly waiting: TimeCounts;
  /** Life of the process, of jobs that had one. */
  readonly duration: TimeCounts;
}

export interface EndingPeriod extends EndingCounts {
  /** Redis time, ms. The period is as long as the distance to the next. */
  readonly fromMs: number;
}

export interface RunnerStats {
  /** Redis time, ms. */
  readonly nowMs: number;
  /** 60 minutes, oldest first; the last one is not over. */
  readonly hour: readonly EndingPeriod[];
  /** 96 quarters of an hour. */
  readonly day: readonly EndingPeriod[];
}

interface Tally {
  finished: number;
  failed: number;
  readonly reasons: Map<JobReason, number>;
  readonly waiting: Map<number, number>;
  readonly duration: Map<number, number>;
}

function emptyTally(): Tally {
  return { finished: 0, failed: 0, reasons: new Map(), waiting: new Map(), duration: new Map() };
}

/** Anything in the hashes that is not of our making counts as nothing. */
export async function readStats(redis: Commands, keys: RunnerKeys): Promise<RunnerStats> {
  const time = listOf(await redis.send(["TIME"]));
  const [seconds, micros] = time.map((part) => Number(textOf(part)));
  const nowMs = (seconds ?? 0) * 1000 + Math.floor((micros ?? 0) / 1000);
  const spans = statsRings.map(({ letter, periodMs, periods }) => {
    const last = Math.floor(nowMs / periodMs);
    return range(periods).map((at) => {
      const period = last - periods + 1 + at;
      return { key: keys.stats(`${letter}${period}`), fromMs: period * periodMs };
    });
  });
  const counted = listOf(
    await redis.run(
      readCounts,
      spans.flat().map(({ key }) => key),
      [],
    ),
  );
  const read = spans.flat().map(({ fromMs }, at) => ({ fromMs, ...readPeriod(listOf(counted[at])) }));
  return { nowMs, hour: read.slice(0, statsRings[0].periods), day: read.slice(statsRings[0].periods) };
}

/** Counts of several runners or periods as one. */
export function addCounts(all: readonly EndingCounts[]): EndingCounts {
  const sum = emptyTally();
  for (const one of all) {
    sum.finished += one.finished;
    sum.failed += one.failed;
    addTo(sum.reasons, one.reasons);
    addTo(sum.waiting, one.waiting);
    addTo(sum.duration, one.duration);
  }
  return sum;
}

function addTo<K>(sum: Map<K, number>, more: ReadonlyMap<K, number>): void {
  for (const [key, count] of more) sum.set(key, (sum.get(key) ?? 0) + count);
}

/** The time below which `share` (0 to 1) of what was counted lies, ms, within a fifth; undefined when nothing was. */
export function percentileMs(counts: TimeCounts, share: number): number | undefined {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let left = Math.max(share * total, Number.MIN_VALUE);
  for (const [bucket, count] of [...counts].sort(([a], [b]) => a - b)) {
    if (left <= count) return Math.round(2 ** ((bucket + left / count) / 2) - 1);
    left -= count;
  }
  return undefined;
}

function readPeriod(flat: readonly Reply[]): EndingCounts {
  const counts = emptyTally();
  for (const [name, value] of pairsOf(flat)) {
    const count = /^\d{1,15}$/.test(value.toString()) ? Number(value.toString()) : 0;
    const [, kind = "", bucket = ""] = /^([wd])(\d{1,2})$/.exec(name) ?? [];
    const reason = name.slice(2);
    if (name === "finished") counts.finished = count;
    else if (name === "error") counts.failed = count;
    else if (kind !== "") counts[kind === "w" ? "waiting" : "duration"].set(Number(bucket), count);
    else if (name.startsWith("r:") && isJobReason(reason)) counts.reasons.set(reason, count);
  }
  return counts;
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at);
}
