/** Keys come and go while jobs run: nothing is lost, and what is taken away counts at once, for waiting jobs too. */
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type Battlefield,
  battlefield,
  hashOf,
  keys,
  newJob,
  signed,
  type Signer,
  signer,
  trustText,
} from "./battlefield.ts";
import { until } from "../support/until.ts";

let field: Battlefield;
const newBob = signer("bob");

beforeAll(async () => {
  field = await battlefield();
  await field.startRunner();
});

afterAll(async () => {
  await field.close();
});

async function submit(count: number, signers: readonly Signer[]): Promise<readonly string[]> {
  const jobs = Array.from({ length: count }, () => signed(newJob(), signers));
  for (const job of jobs) {
    await field.redis.send(["HSET", keys.job(job.id), ...[...hashOf(job)].flat()]);
    await field.redis.send(["LPUSH", keys.queue, job.id]);
  }
  return jobs.map((job) => job.id);
}

/** How the jobs ended, each ending once. */
async function endings(ids: readonly string[]): Promise<readonly string[]> {
  await field.settled();
  const found = ids.map(async (id) => {
    const [status, reason] = (await field.redis.send([
      "HMGET",
      keys.job(id),
      "status",
      "reason",
    ])) as Buffer[];
    return reason === null ? String(status) : String(reason);
  });
  return [...new Set(await Promise.all(found))];
}

/** Tries with new jobs until they end like this: then the runner has read its file. */
async function untilEnding(signers: readonly Signer[], ending: string): Promise<void> {
  await until(
    async () => (await endings(await submit(1, signers))).includes(ending),
    `jobs end as ${ending}`,
  );
}

it("rotates and revokes a key under load without losing a job", async () => {
  const { alice, bob } = field;
  const early = submit(100, [alice, bob]);
  await field.reload(trustText([alice.key, bob.key, newBob.key]));
  await untilEnding([alice, newBob], "finished");
  const overlapping = [
    ...(await early),
    ...(await submit(25, [alice, bob])),
    ...(await submit(25, [alice, newBob])),
  ];
  expect(await endings(overlapping)).toEqual(["finished"]);
  expect(await endings(await submit(10, [bob, newBob]))).toEqual(["threshold_not_met"]);

  await field.reload(trustText([alice.key, newBob.key]));
  await untilEnding([alice, bob], "threshold_not_met");
  expect(await endings(await submit(25, [alice, bob]))).toEqual(["threshold_not_met"]);
  expect(await endings(await submit(25, [alice, newBob]))).toEqual(["finished"]);
});

it("keeps the old trust when the new file is no good", async () => {
  const { alice, bob } = field;
  await field.reload('{"threshold": 1, "signer": []}');
  await field.reload("");
  const jobs = [...(await submit(40, [alice, newBob]))];
  expect(await endings(jobs)).toEqual(["finished"]);
  expect(await endings(await submit(5, [alice, bob]))).toEqual(["threshold_not_met"]);
  expect(field.runners.map((runner) => runner.exitCode)).toEqual([null]);
});
