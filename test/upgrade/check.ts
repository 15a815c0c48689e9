/** Reads what is left after an upgrade, with both builds, and finds broken promises: in Redis, in views, receipts and counts. */
import { keysOf } from "@herorunner/job";
import type { Execution } from "../chaos/stub-hero.ts";
import type { Build } from "./builds.ts";
import type { Ending, Traffic } from "./traffic.ts";
import type { Yard } from "./yard.ts";

export interface Findings {
  /** Every broken promise, in words. */
  readonly violations: readonly string[];
  /** Jobs that a killed runner had taken, by how they ended. */
  readonly lost: number;
  readonly repeated: number;
}

export async function check(yard: Yard, runner: string, traffic: Traffic): Promise<Findings> {
  const executions = await yard.hero.executions();
  const violations: string[] = [];
  let [lost, repeated] = [0, 0];
  const told = new Map(traffic.endings.map((ending) => [ending.order.id, ending]));
  for (const order of traffic.orders) {
    const ending = told.get(order.id);
    if (ending === undefined) {
      violations.push(`${order.id} was acknowledged and its client was told no end`);
      continue;
    }
    const execution = executions.get(order.id) ?? { starts: 0, ends: 0, pids: [] };
    if (ending.view.reason === "runner_lost") lost += 1;
    if (execution.starts > 1) repeated += 1;
    const finals = (await yard.redis.job(runner, order.id))["finals"];
    const problems = [
      ...problemsOf(ending, execution),
      ...(finals === "1" ? [] : [`has ${finals} final states`]),
    ];
    violations.push(...problems.map((problem) => `${order.id} ${problem}: ${JSON.stringify(ending)}`));
  }
  violations.push(...(await eventProblems(yard, runner, traffic)), ...(await leftOver(yard, runner)));
  return { violations, lost, repeated };
}

function problemsOf({ order, view, log }: Ending, { starts, ends }: Execution): readonly string[] {
  const problems: string[] = [];
  if (starts > order.maxAttempts) problems.push(`was started ${starts} times`);
  if (view.status === "finished") {
    if (view.result !== `done ${order.id}\n` || log !== view.result) problems.push("has another output");
    if (ends === 0) problems.push("did not come to its end");
    if (order.signed && view.signers?.join() !== "alice") problems.push("was not judged by its signature");
  } else if (view.reason !== "runner_lost" || starts > order.maxAttempts)
    problems.push("ended for no reason");
  return problems;
}

/** What followers are told: every job became final once. */
async function eventProblems(yard: Yard, runner: string, { orders }: Traffic): Promise<readonly string[]> {
  const entries = (await yard.redis.call("XRANGE", keysOf(runner).events, "-", "+")) as [string, string[]][];
  const finals = new Map<string, number>();
  for (const [, flat] of entries) {
    const fields = new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ""]] : [])));
    const id = fields.get("id") ?? "";
    if (["finished", "error"].includes(fields.get("status") ?? "")) finals.set(id, (finals.get(id) ?? 0) + 1);
  }
  return orders.flatMap(({ id }) =>
    finals.get(id) === 1 ? [] : [`${id} has ${finals.get(id) ?? 0} final events`],
  );
}

async function leftOver({ redis }: Yard, runner: string): Promise<readonly string[]> {
  const { queue, active, leases, dead } = keysOf(runner);
  const counts = {
    queue: await redis.call("LLEN", queue),
    active: await redis.call("LLEN", active),
    leases: await redis.call("ZCARD", leases),
    dead: await redis.call("LLEN", dead),
  };
  return Object.entries(counts).flatMap(([place, count]) =>
    count === 0 ? [] : [`${place} holds ${String(count)}`],
  );
}

/** Both builds read the same out of every record, and accept every receipt. */
export async function readByBoth(yard: Yard, runner: string, traffic: Traffic): Promise<readonly string[]> {
  const problems: string[] = [];
  const { old, new: now } = yard.builds;
  const [before, after] = [
    await old.job.JobClient.connect(yard.url),
    await now.job.JobClient.connect(yard.url),
  ];
  try {
    for (const { order, view } of traffic.endings) {
      const [seenBefore, seenAfter] = [await before.get(order.id, { runner }), await after.get(order.id)];
      // A newer build may show more, never something else.
      const [least, most] = [
        JSON.stringify(seenBefore),
        JSON.stringify(pick(seenAfter, Object.keys(seenBefore))),
      ];
      if (least !== most)
        problems.push(`${order.id} is ${least} to the old build and ${most} to the new one`);
      if (view.reason === "runner_lost") continue;
      const { status, reason, exitCode, result, stderr, receipt } = view;
      const job = await after.request(order.id);
      const stored = { job, status, reason, exitCode, result, stderr, receipt };
      for (const build of [old, now]) {
        const problem = receiptProblem(build, yard, stored);
        if (problem !== undefined)
          problems.push(`the ${build.name} build on ${order.id}'s receipt: ${problem}`);
      }
    }
  } finally {
    before.close();
    after.close();
  }
  return problems;
}

function pick(object: object, names: readonly string[]): object {
  const members = new Map<string, unknown>(Object.entries(object));
  return Object.fromEntries(names.map((name) => [name, members.get(name)]));
}

type Stored = Parameters<Build["trust"]["receiptMismatch"]>[1] & { readonly receipt: string | undefined };

function receiptProblem({ trust }: Build, yard: Yard, stored: Stored): string | undefined {
  const read = trust.verifyReceipt(stored.receipt ?? "");
  if (!read.ok) return read.problem;
  if (read.publicKey !== yard.receiptKey.publicKey) return "it is of another key";
  return trust.receiptMismatch(read.statement, stored);
}

/** How many jobs ended, as the counts in Redis say to this build. */
export async function countedBy({ job }: Build, yard: Yard, runner: string): Promise<number> {
  const connection = job.openConnection({ target: job.parseRedisUrl(yard.url), routeKey: "" });
  try {
    const { day } = await job.readStats(connection, job.keysOf(runner));
    const { finished, failed } = job.addCounts(day);
    return finished + failed;
  } finally {
    connection.close();
  }
}
