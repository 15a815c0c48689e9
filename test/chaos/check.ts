/** Reads what is left after a chaos run, the jobs in Redis and the executions' own record, and finds broken promises. */
import { readFileSync } from "node:fs";
import { keysOf, type RedisConnection } from "@herorunner/job";
import type { Order } from "./clients.ts";
import { runnerId } from "./fleet.ts";
import type { Execution } from "./stub-hero.ts";

export interface Tally {
  readonly acknowledged: number;
  /** How jobs ended: `finished`, or the reason of an error. */
  readonly endings: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly twoFinals: number;
  readonly startedTooOften: number;
  /** Executions beyond the first, of jobs that had asked for them. */
  readonly repeated: number;
  readonly leftOver: number;
  /** Every broken promise, in words; the first one is the one to look into. */
  readonly violations: readonly string[];
}

const keys = keysOf(runnerId);
const expectedReasons: ReadonlySet<string> = new Set([
  "runner_lost",
  "cancelled",
  "shutdown",
  "exit_status",
  "poisoned",
]);

export async function check(
  redis: RedisConnection,
  orders: readonly Order[],
  executions: ReadonlyMap<string, Execution>,
): Promise<Tally> {
  const violations: string[] = [];
  const endings: Record<string, number> = {};
  let [lost, twoFinals, startedTooOften, repeated] = [0, 0, 0, 0];
  for (const order of orders) {
    const hash = await readHash(redis, order.id);
    const execution = executions.get(order.id) ?? { starts: 0, ends: 0, pids: [] };
    const broken = (promise: string): void =>
      void violations.push(
        `${promise}: ${JSON.stringify({ order, hash: Object.fromEntries(hash), execution })}`,
      );
    const status = hash.get("status") ?? "";
    if (status !== "finished" && status !== "error") {
      lost += 1;
      broken("I1, an acknowledged job has an end");
      continue;
    }
    const ending = status === "finished" ? "finished" : (hash.get("reason") ?? "no reason");
    endings[ending] = (endings[ending] ?? 0) + 1;
    repeated += Math.max(0, execution.starts - 1);
    if (hash.get("finals") !== "1") {
      twoFinals += 1;
      broken("I2, a job has one final state");
    }
    if (execution.starts > order.maxAttempts) {
      startedTooOften += 1;
      broken("I3, a job is started as often as it asked for");
    }
    const problem = wrongEnding(order, hash, execution);
    if (problem !== undefined) broken(`I4, ${problem}`);
    for (const pid of execution.pids) {
      if (isStub(pid)) broken(`I5, no process of a final job is alive, but ${pid} is`);
    }
  }
  const places = await leftOver(redis);
  if (places.length > 0)
    violations.push(`nothing is left in the places of running jobs: ${places.join("; ")}`);
  return {
    ...{ acknowledged: orders.length, endings, lost, twoFinals, startedTooOften, repeated },
    ...{ leftOver: places.length, violations },
  };
}

function wrongEnding(
  order: Order,
  hash: ReadonlyMap<string, string>,
  execution: Execution,
): string | undefined {
  if (hash.get("status") === "finished") {
    if (hash.get("result") !== `done ${order.id}\n`) return "a result is what the job wrote";
    if (execution.ends === 0) return "a job that finished was executed to its end";
    return order.exitCode === 0 ? undefined : "a job that failed is not finished";
  }
  const reason = hash.get("reason") ?? "";
  if (!expectedReasons.has(reason))
    return `an error has a reason that belongs to these faults, not ${reason}`;
  if (reason === "exit_status" && order.exitCode === 0) return "a job that did well does not fail";
  return reason === "cancelled" && !order.cancelled ? "nobody cancelled this" : undefined;
}

async function readHash(redis: RedisConnection, id: string): Promise<ReadonlyMap<string, string>> {
  const flat = ((await redis.send(["HGETALL", keys.job(id)])) as Buffer[]).map(String);
  return new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ""] as const] : [])));
}

async function leftOver(redis: RedisConnection): Promise<readonly string[]> {
  const [queue, active, leases, dead] = [
    await redis.send(["LRANGE", keys.queue, "0", "-1"]),
    await redis.send(["LRANGE", keys.active, "0", "-1"]),
    await redis.send(["ZRANGE", keys.leases, "0", "-1"]),
    await redis.send(["LRANGE", keys.dead, "0", "-1"]),
  ] as Buffer[][];
  return Object.entries({ queue, active, leases, dead }).flatMap(([place, ids]) =>
    ids === undefined || ids.length === 0
      ? []
      : [`${place} holds ${ids.slice(0, 5).join(", ")} (${ids.length})`],
  );
}

/** Whether the pid is one of our stubs, and not somebody else's by now. */
function isStub(pid: number): boolean {
  try {
    const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
    return state !== "Z" && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("herorunner-chaos-");
  } catch {
    return false;
  }
}
