/**
 * A chaos run: clients submit, runners work, the nemesis breaks things; then everything is mended, what was acknowledged
 * must come to its end, and the checker looks for broken promises.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keysOf, openConnection, parseRedisUrl, type RedisConnection } from "@herorunner/job";
import { builtBin } from "../support/built.ts";
import { startRedis } from "../support/redis-server.ts";
import { check, type Tally } from "./check.ts";
import { openClients, type Order, patiently, pause } from "./clients.ts";
import { type Berth, openFleet, runnerId } from "./fleet.ts";
import { Nemesis } from "./nemesis.ts";
import { seeded } from "./random.ts";
import { percentile, RecoveryWatch } from "./recovery-watch.ts";
import { writeStubHero } from "./stub-hero.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** How long clients and nemesis are at work; longer if not every deed was done by then. */
  readonly seconds: number;
  readonly runners?: number;
  readonly slots?: number;
  readonly jobsPerSecond?: number;
  /**
   * How Redis keeps its append-only file. Default `always`: with `everysec` a write may stay in Redis's memory for up to two
   * seconds while the disk is busy, and a kill at that moment forgets what was acknowledged.
   */
  readonly appendfsync?: "always" | "everysec";
  readonly say?: (line: string) => void;
}

export interface ChaosReport {
  readonly seed: number;
  readonly seconds: number;
  readonly appendfsync: string;
  readonly deeds: Readonly<Record<string, number>>;
  readonly tally: Tally;
  /** Claims that had moved on when their runner wanted to write a result. */
  readonly lateWordsRefused: number;
  /** From the end of the faults until every job had its end. */
  readonly settledAfterMs: number;
  readonly recoveryElsewhereMs: Figures;
  readonly recoverySameHostMs: Figures;
  /** How the runners ended that were asked to stop at the end. */
  readonly exits: readonly (number | string | undefined)[];
}

export interface Figures {
  readonly count: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

/** When not one job has come to its end for so long, the rest are lost. */
const standstillMs = 45_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, seconds, say = () => undefined, appendfsync = "always" } = options;
  const random = seeded(seed);
  const folder = await mkdtemp(join(tmpdir(), "herorunner-chaos-"));
  const redis = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", appendfsync] });
  const connection = openConnection({ target: parseRedisUrl(redis.url), routeKey: "", deadlineMs: 2_000 });
  const hero = await writeStubHero(folder);
  const fleet = { count: options.runners ?? 3, slots: options.slots ?? 4, program: builtBin("herorunner") };
  const berths = openFleet({ ...fleet, redisUrl: redis.url, heroPath: hero.path, folder });
  const watch = new RecoveryWatch(connection);
  const over = new AbortController();
  const looking = setInterval(() => void watch.look().catch(() => undefined), 100);
  try {
    const clients = openClients(redis.url, connection, random);
    const quietMs = Math.min(45_000, seconds * 100);
    const nemesis = new Nemesis({ berths, redis, clients, watch, random, say, quietMs });
    await Promise.all([
      clients.run(options.jobsPerSecond ?? 12, over.signal),
      nemesis.run(seconds * 1000, over),
    ]);
    say(`${clients.orders.length} jobs submitted, all is mended; waiting for their ends`);
    const mendedMs = performance.now();
    await allFinal(connection, clients.orders);
    const settledAfterMs = Math.round(performance.now() - mendedMs);
    await pause(500); // the last renewals and looks of the reapers
    await Promise.all(berths.map((berth) => berth.end("SIGTERM")));
    const tally = await check(connection, clients.orders, await hero.executions());
    // A run in which something was not tried has shown nothing about it.
    const undone = [...nemesis.counts]
      .filter(([, count]) => count === 0)
      .map(([deed]) => `nothing was learned: "${deed}" was never done, it found nobody to do it to`);
    return {
      ...{ seed, seconds, appendfsync, settledAfterMs },
      tally: { ...tally, violations: [...tally.violations, ...undone] },
      deeds: Object.fromEntries(nemesis.counts),
      lateWordsRefused: await countInLogs(berths, "the claim moved on to somebody else"),
      recoveryElsewhereMs: figures(watch.elsewhere),
      recoverySameHostMs: figures(watch.sameHost),
      exits: berths.map((berth) => berth.ends.at(-1)),
    };
  } finally {
    over.abort();
    clearInterval(looking);
    await Promise.all(berths.map((berth) => berth.end("SIGKILL")));
    connection.close();
    await redis.stop();
    if (process.env["HERORUNNER_CHAOS_KEEP"] === undefined)
      await rm(folder, { recursive: true, force: true });
    else say(`logs and record are in ${folder}`);
  }
}

async function allFinal(redis: RedisConnection, orders: readonly Order[]): Promise<void> {
  const keys = keysOf(runnerId);
  let progressMs = performance.now();
  let open = [...orders];
  while (open.length > 0 && performance.now() - progressMs < standstillMs) {
    const still: Order[] = [];
    for (const order of open) {
      const status = String(await patiently(() => redis.send(["HGET", keys.job(order.id), "status"])));
      if (status !== "finished" && status !== "error") still.push(order);
    }
    if (still.length < open.length) progressMs = performance.now();
    open = still;
    if (open.length > 0) await pause(50);
  }
}

async function countInLogs(berths: readonly Berth[], text: string): Promise<number> {
  let count = 0;
  for (const berth of berths) count += (await readFile(berth.logFile, "utf8")).split(text).length - 1;
  return count;
}

function figures(values: readonly number[]): Figures {
  const round = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : Math.round(ms);
  return { count: values.length, p50: round(percentile(values, 0.5)), p99: round(percentile(values, 0.99)) };
}
