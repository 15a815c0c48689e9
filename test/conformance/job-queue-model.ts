/**
 * JobQueue against a model of it: random clients push, push again and cancel; random runners claim, start, renew,
 * settle, release and die; time passes; zombies speak. After every step each answer is the one that the model gives,
 * and the store keeps the promises: no job nowhere, one final state that never changes, no start too many.
 */
import { type Claim, failed, finished, type JobQueue } from "@herorunner/job";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type QueueStore, suiteLeaseMs } from "./job-queue.ts";

/** Steps of time; the lease lies well between two and three of them, so that real milliseconds decide nothing. */
const stepMs = suiteLeaseMs * 0.4;
const claimLimit = 5;

interface ModelJob {
  readonly maxAttempts: number;
  pushed: boolean;
  holder: Claim | undefined;
  leaseEndMs: number;
  started: boolean;
  starts: number;
  claims: number;
  cancelled: boolean;
  settledBy: Claim | undefined;
  final: ReadonlyMap<string, string> | undefined;
}

interface Model {
  readonly jobs: Map<string, ModelJob>;
  /** Every claim that was ever handed out: those that are not held any more belong to zombies. */
  readonly claims: Claim[];
  nowMs: number;
}

interface Real {
  readonly store: QueueStore;
  readonly queues: readonly JobQueue[];
}

type Step = fc.AsyncCommand<Model, Real>;

export function jobQueueModel(name: string, makeStore: () => Promise<QueueStore>, runs: number): void {
  describe(`JobQueue model: ${name}`, () => {
    it(`gives the model's answers through ${runs} random histories`, { timeout: 120_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(history, async (commands) => {
          const store = await makeStore();
          const queues = [store.open({ owner: "first" }), store.open({ owner: "second" })];
          const start = (): { model: Model; real: Real } => ({
            model: { jobs: new Map(), claims: [], nowMs: 0 },
            real: { store, queues },
          });
          try {
            await fc.asyncModelRun(start, commands);
          } finally {
            await store.close();
          }
        }),
        { numRuns: runs },
      );
    });
  });
}

function step(
  text: string,
  check: (model: Model) => boolean,
  run: (model: Model, real: Real) => Promise<void>,
): Step {
  return {
    check: (model) => check(model),
    toString: () => text,
    run: async (model, real) => {
      await run(model, real);
      await keepsPromises(model, real.store);
    },
  };
}

async function keepsPromises(model: Model, store: QueueStore): Promise<void> {
  const [waiting, taken, leased] = [await store.waiting(), await store.taken(), await store.leased()];
  for (const [id, job] of model.jobs) {
    const fields = await store.fields(id);
    expect(Number(fields.get("finals") ?? 0), `${id}: finals`).toBe(job.final === undefined ? 0 : 1);
    expect(job.starts, `${id}: starts`).toBeLessThanOrEqual(job.maxAttempts);
    if (job.final !== undefined) {
      expect(fields, `${id}: final for ever`).toEqual(job.final);
      expect(
        [taken, leased].map((place) => place.includes(id)),
        `${id}: final and still taken`,
      ).toEqual([false, false]);
    } else if (job.holder !== undefined) {
      expect(
        [taken, leased].map((place) => place.filter((one) => one === id).length),
        `${id}: held`,
      ).toEqual([1, 1]);
    } else if (job.pushed) {
      expect(waiting, `${id}: neither taken nor final, so it waits`).toContain(id);
      expect(
        [taken, leased].map((place) => place.includes(id)),
        `${id}: waits`,
      ).toEqual([false, false]);
    }
  }
}

async function becomesFinal(
  job: ModelJob,
  store: QueueStore,
  id: string,
  reason: string | undefined,
): Promise<void> {
  job.holder = undefined;
  job.final = await store.fields(id);
  expect(job.final.get("status")).toBe(reason === undefined ? "finished" : "error");
  expect(job.final.get("reason")).toBe(reason);
}

const submit = (id: string, maxAttempts: number): Step =>
  step(
    `submit ${id} x${maxAttempts}`,
    (model) => !model.jobs.has(id),
    async (model, { store }) => {
      await store.write(id, { payload: id, max_attempts: String(maxAttempts) });
      await store.push(id);
      model.jobs.set(id, {
        ...{
          maxAttempts,
          pushed: true,
          holder: undefined,
          leaseEndMs: 0,
          started: false,
          starts: 0,
          claims: 0,
        },
        ...{ cancelled: false, settledBy: undefined, final: undefined },
      });
    },
  );

const pushAgain = (id: string): Step =>
  step(
    `push ${id} again`,
    (model) => model.jobs.has(id),
    (_model, { store }) => store.push(id),
  );

const claim = (runner: number, most: number): Step =>
  step(
    `runner ${runner} claims up to ${most}`,
    () => true,
    async (model, { queues, store }) => {
      const claims = await queues[runner]!.claim(new AbortController().signal, { wait: false, most });
      for (const [id, job] of model.jobs) {
        // A cancelled job that comes to the front ends there.
        if (!job.cancelled || job.final !== undefined || job.holder !== undefined) continue;
        const ended = (await store.fields(id)).get("status") === "error";
        if (ended) await becomesFinal(job, store, id, "cancelled");
      }
      expect(claims.length).toBeLessThanOrEqual(most);
      if (claims.length < most) expect(await store.waiting()).toEqual([]);
      for (const claim of claims) {
        const job = model.jobs.get(claim.jobId)!;
        expect(job.final).toBeUndefined();
        expect(job.holder).toBeUndefined();
        expect(model.claims.map((one) => one.token)).not.toContain(claim.token);
        job.claims += 1;
        expect(claim.claims).toBe(job.claims);
        Object.assign(job, { holder: claim, started: false, leaseEndMs: model.nowMs + suiteLeaseMs });
        model.claims.push(claim);
      }
    },
  );

/** What holders and zombies do. `at` counts from the newest claim. */
function withClaim(
  text: string,
  at: number,
  run: (
    claim: Claim,
    job: ModelJob,
    model: Model,
    real: Real & { readonly queue: JobQueue },
  ) => Promise<void>,
): Step {
  return step(
    `${text}, claim ${at} from the end`,
    (model) => model.claims.length > 0,
    async (model, real) => {
      const claim = model.claims.at(-1 - (at % model.claims.length))!;
      const job = model.jobs.get(claim.jobId)!;
      await run(claim, job, model, { ...real, queue: real.queues[at % real.queues.length]! });
    },
  );
}

const start = (at: number): Step =>
  withClaim("start", at, async (claim, job, model, { queue }) => {
    const answer = await queue.start(claim);
    if (job.holder !== claim) return expect(answer).toBe("lost");
    if (!job.started && job.cancelled) return expect(answer).toBe("cancelled");
    expect(answer).toBe("started");
    if (!job.started)
      Object.assign(job, { started: true, starts: job.starts + 1, leaseEndMs: model.nowMs + suiteLeaseMs });
  });

const renew = (at: number): Step =>
  withClaim("renew", at, async (claim, job, model, { queue }) => {
    const [answer] = await queue.renew([claim]);
    if (job.holder !== claim) return expect(answer).toBe("lost");
    expect(answer).toBe(job.cancelled ? "cancel" : "held");
    job.leaseEndMs = model.nowMs + suiteLeaseMs;
  });

const settle = (at: number, well: boolean): Step =>
  withClaim(well ? "finish" : "fail", at, async (claim, job, _model, { queue, store }) => {
    const answer = await queue.settle(
      claim,
      well ? finished(claim.token) : failed("exit_status", claim.token),
    );
    if (job.settledBy === claim) return expect(answer).toBe("settled");
    if (job.holder !== claim) return expect(answer).toBe("lost");
    expect(answer).toBe("settled");
    job.settledBy = claim;
    await becomesFinal(job, store, claim.jobId, well ? undefined : "exit_status");
  });

const release = (at: number): Step =>
  withClaim("release", at, async (claim, job, _model, { queue }) => {
    const answer = await queue.release(claim);
    if (job.holder !== claim || job.started) return expect(answer).toBe("lost");
    expect(answer).toBe("released");
    job.holder = undefined;
    job.claims -= 1;
  });

async function lose(id: string, job: ModelJob, answer: string, store: QueueStore): Promise<void> {
  const limit = Math.max(claimLimit, job.maxAttempts);
  const reason =
    job.cancelled && !job.started
      ? "cancelled"
      : job.started && job.starts >= job.maxAttempts
        ? "runner_lost"
        : job.claims >= limit
          ? "poisoned"
          : undefined;
  const failed = reason === "poisoned" ? "poisoned" : "failed";
  expect(answer, id).toBe(reason === undefined ? "requeued" : failed);
  if (reason !== undefined) return becomesFinal(job, store, id, reason);
  job.holder = undefined;
}

const abandon = (at: number): Step =>
  withClaim("abandon", at, async (claim, job, _model, { queue, store }) => {
    const leases = await queue.abandon([claim]);
    if (job.holder !== claim) return expect(leases).toEqual([]);
    expect(leases.map((lease) => lease.jobId)).toEqual([claim.jobId]);
    await lose(claim.jobId, job, await queue.reclaim(leases[0]!), store);
  });

const passTime: Step = step(
  "time passes",
  () => true,
  async (model, { store }) => {
    await store.passTime(stepMs);
    model.nowMs += stepMs;
  },
);

const reap = (runner: number): Step =>
  step(
    `runner ${runner} reaps`,
    () => true,
    async (model, { queues, store }) => {
      const { leases } = await queues[runner]!.overdue();
      const expected = [...model.jobs].filter(
        ([, job]) => job.holder !== undefined && job.leaseEndMs <= model.nowMs,
      );
      expect(leases.map((lease) => lease.jobId).toSorted()).toEqual(expected.map(([id]) => id).toSorted());
      for (const lease of leases) {
        const answer = await queues[runner]!.reclaim(lease);
        await lose(lease.jobId, model.jobs.get(lease.jobId)!, answer, store);
        expect(await queues[1 - runner]!.reclaim(lease)).toBe("live"); // another reaper saw the same
      }
    },
  );

const cancel = (id: string): Step =>
  step(
    `cancel ${id}`,
    (model) => model.jobs.has(id),
    async (model, { store }) => {
      const job = model.jobs.get(id)!;
      const answer = await store.cancel(id);
      if (job.final !== undefined) return expect(answer).toBe("final");
      job.cancelled = true;
      expect(answer).toBe(job.holder === undefined ? "cancelled" : "requested");
      if (job.holder === undefined) await becomesFinal(job, store, id, "cancelled");
    },
  );

const id = fc.constantFrom("a", "b", "c");
const runner = fc.constantFrom(0, 1);
const recent = fc.nat({ max: 3 });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(id, fc.constantFrom(1, 1, 2, 3, 7)).map(([id, attempts]) => submit(id, attempts)),
  id.map(pushAgain),
  runner.map((runner) => claim(runner, 1)),
  fc.tuple(runner, fc.constantFrom(1, 2, 3)).map(([runner, most]) => claim(runner, most)),
  recent.map(start),
  recent.map(start),
  recent.map(renew),
  fc.tuple(recent, fc.boolean()).map(([at, well]) => settle(at, well)),
  recent.map(release),
  recent.map(abandon),
  fc.constant(passTime),
  fc.constant(passTime),
  runner.map(reap),
  id.map(cancel),
);

/** Long enough for a second and a third claim of the same job. Steps that make no sense yet are left out. */
const history = fc.array(anyStep, { minLength: 40, maxLength: 80, size: "max" });
