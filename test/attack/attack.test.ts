/**
 * Somebody can send Redis any command. Nothing that was not signed as it is may start, and nothing twice.
 * The long form: HERORUNNER_ATTACKS=100000 npx vitest run --project e2e test/attack
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Job } from "@herorunner/job";
import { needSystemLibsecp256k1 } from "../support/system-libsecp256k1.ts";
import { until } from "../support/until.ts";
import { recipes } from "./attacks.ts";
import { type Battlefield, battlefield, hashOf, keys, newJob, signed, type Start } from "./battlefield.ts";

const attackCount = Number(process.env["HERORUNNER_ATTACKS"] ?? 2500);

let field: Battlefield;

beforeAll(async () => {
  field = await battlefield();
  await needSystemLibsecp256k1();
  await field.startRunner();
  await field.startRunner({ HERORUNNER_SIGNATURE_CHECK: "wasm" });
  await field.startRunner({ HERORUNNER_SIGNATURE_CHECK: "openssl" });
});

afterAll(async () => {
  await field.close();
});

async function store(id: string, hash: ReadonlyMap<string, string>): Promise<void> {
  await field.redis.send(["DEL", keys.job(id)]);
  await field.redis.send(["HSET", keys.job(id), ...[...hash].flat()]);
}

async function push(id: string): Promise<void> {
  await field.redis.send(["LPUSH", keys.queue, id]);
}

async function valueOf(id: string, name: string): Promise<string> {
  const value = await field.redis.send(["HGET", keys.job(id), name]);
  return Buffer.isBuffer(value) ? value.toString() : "";
}

function goodJob(changes: Partial<Job> = {}): Job {
  return signed(newJob(changes), [field.alice, field.bob]);
}

/** Everything that ran was signed as it ran, and ran once. */
async function honestStarts(jobs: readonly Job[]): Promise<readonly Start[]> {
  const allowed = new Map(jobs.map((job) => [job.id, job.payload]));
  const starts = (await field.starts()).filter(
    (start) => allowed.has(start.id) || start.payload.includes("evil"),
  );
  for (const { id, mode, payload } of starts) {
    expect({ id, mode, payload }).toEqual({ id, mode: "calm", payload: allowed.get(id) });
  }
  expect(new Set(starts.map((start) => start.id)).size).toBe(starts.length);
  return starts;
}

describe("with write access to Redis", () => {
  it("one meets every way in which runners check signatures", async () => {
    const told =
      /(?<=signatures are checked by )(?:OpenSSL|libsecp256k1 as WebAssembly|libsecp256k1\.so\.\d)/g;
    await until(async () => (await field.heard()).match(told)?.length === 3, "all have said it");
    expect([...(await field.heard()).matchAll(told)].map(String).sort()).toEqual([
      "OpenSSL",
      "libsecp256k1 as WebAssembly",
      expect.stringMatching(/^libsecp256k1\.so\.\d$/),
    ]);
  });

  it(`none of ${attackCount} forged, altered, expired, copied or re-targeted jobs starts`, async () => {
    const good: Job[] = [];
    const attacks: { readonly id: string; readonly at: number }[] = [];
    for (let at = 0; at < attackCount; at += 1) {
      const recipe = recipes[at % recipes.length]!;
      const { id, hash } = recipe.make([field.alice, field.bob]);
      attacks.push({ id, at: at % recipes.length });
      await store(id, hash);
      await push(id);
      if (at % 200 === 0) {
        const job = goodJob();
        good.push(job);
        await store(job.id, hashOf(job));
        await push(job.id);
      }
    }
    await field.settled();
    const starts = await field.starts();
    expect(starts.map((start) => start.id).sort()).toEqual(good.map((job) => job.id).sort());
    await honestStarts(good);
    for (const { id, at } of attacks) {
      const { name, reasons } = recipes[at]!;
      const found = [await valueOf(id, "status"), await valueOf(id, "reason")];
      if (reasons === undefined) expect([name, found[0]]).not.toEqual([name, "finished"]);
      else
        expect([name, ...found]).toEqual([name, "error", reasons.includes(found[1]!) ? found[1] : reasons]);
    }
  });

  it("no finished job runs again, whatever is deleted, restored or claimed about it", async () => {
    const jobs = Array.from({ length: 20 }, () => goodJob());
    for (const job of jobs) {
      await store(job.id, hashOf(job));
      await push(job.id);
    }
    await field.settled();
    expect(await honestStarts(jobs)).toHaveLength(jobs.length);
    for (let round = 0; round < 10; round += 1) {
      for (const job of jobs) {
        const hash = hashOf(job);
        if (round % 3 === 1) hash.set("max_attempts", "10");
        if (round % 3 === 2) hash.set("attempt", "-10").set("claims", "-10").set("status", "queued");
        await field.redis.send(["DEL", keys.seen(job.id)]);
        await store(job.id, hash);
        await push(job.id);
        if (round > 5) await push(job.id);
      }
      await field.settled();
    }
    expect(await honestStarts(jobs)).toHaveLength(jobs.length);
    for (const job of jobs) expect(await valueOf(job.id, "reason")).toBe("replayed");
  });

  it("no job that is exchanged between check and start runs as anything but what was signed", async () => {
    const jobs = Array.from({ length: 150 }, () => goodJob());
    for (const job of jobs) {
      const good = hashOf(job);
      await store(job.id, good);
      const swaps: Promise<unknown>[] = [push(job.id)];
      for (let at = 0; at < 12; at += 1) {
        const evil = at % 2 === 0;
        const payload = evil ? "evil swap" : job.payload;
        const env = evil ? '{"MODE":"evil"}' : (good.get("env_vars") ?? "");
        swaps.push(field.redis.send(["HSET", keys.job(job.id), "payload", payload, "env_vars", env]));
      }
      await Promise.all(swaps);
    }
    await field.settled();
    const starts = await honestStarts(jobs);
    expect(starts.length).toBeGreaterThan(0);
  });

  it("no running job is started beside itself, though every trace of its claim is torn away", async () => {
    const jobs = Array.from({ length: 20 }, () => goodJob({ payload: "good linger" }));
    for (const job of jobs) {
      await store(job.id, hashOf(job));
      await push(job.id);
    }
    for (const job of jobs) {
      await until(async () => (await field.starts()).some((start) => start.id === job.id), `${job.id} runs`);
      for (let at = 0; at < 5; at += 1) {
        await field.redis.send(["DEL", keys.seen(job.id), keys.job(job.id)]);
        await field.redis.send(["LREM", keys.active, "0", job.id]);
        await field.redis.send(["ZREM", keys.leases, job.id]);
        await store(job.id, hashOf(job).set("max_attempts", "10"));
        await push(job.id);
      }
    }
    await field.settled();
    expect(await honestStarts(jobs)).toHaveLength(jobs.length);
  });

  it("no crash of a runner gives a job a second start", async () => {
    const job = goodJob({ payload: "good stay" });
    await store(job.id, hashOf(job));
    await push(job.id);
    await until(async () => (await honestStarts([job])).length === 1, "the job runs");
    const [start] = await honestStarts([job]);
    for (const runner of [...field.runners]) await field.kill(runner);
    await until(() => !isAlive(start!.pid), "the job ends with its runner");
    await field.redis.send(["DEL", keys.seen(job.id)]);
    const lies = { max_attempts: "10", attempt: "0", claims: "0" };
    await field.redis.send(["HSET", keys.job(job.id), ...Object.entries(lies).flat()]);
    await field.startRunner();
    await field.settled();
    expect(await valueOf(job.id, "status")).toBe("error");
    await field.redis.send(["DEL", keys.seen(job.id)]);
    await store(job.id, hashOf(job).set("max_attempts", "10"));
    await push(job.id);
    await field.settled();
    expect(await honestStarts([job])).toHaveLength(1);
    expect(await valueOf(job.id, "reason")).toBe("replayed");
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
