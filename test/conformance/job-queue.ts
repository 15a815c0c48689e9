/**
 * What JobQueue means, as tests: run against every implementation. A store is what several runner processes share;
 * each test gets an empty one, opens queues on it, plays the client by writing and pushing, and passes time by hand.
 */
import type { Claim, JobQueue, LogEntry, OverdueLease } from "@herorunner/job";
import { failed, finished } from "@herorunner/job";
import { afterEach, describe, expect, it } from "vitest";
import { claiming } from "./claiming.ts";
import { liveOutput } from "./live-output.ts";
import { reclaiming } from "./reclaiming.ts";

export interface QueueStore {
  /** Another runner process on the same store. Closed with the store. */
  open(options?: { readonly owner?: string; readonly maxHashBytes?: number }): JobQueue;
  /** HSET */
  write(id: string, fields: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
  /** LPUSH */
  push(id: string): Promise<void>;
  /** The whole hash as text; empty when there is none. */
  fields(id: string): Promise<ReadonlyMap<string, string>>;
  /** Next to be taken first. */
  waiting(): Promise<readonly string[]>;
  taken(): Promise<readonly string[]>;
  leased(): Promise<readonly string[]>;
  dead(): Promise<readonly string[]>;
  reply(id: string): Promise<string | undefined>;
  log(id: string): Promise<readonly (LogEntry & { readonly seq: number })[]>;
  cancel(id: string): Promise<"cancelled" | "requested" | "final" | "missing">;
  /** Leases and replay guards get older by this much. */
  passTime(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** The lease and grace that open() must use, ms. */
export const suiteLeaseMs = 60_000;
export const suiteAdoptGraceMs = 20_000;

const never = new AbortController().signal;

export function jobQueueSuite(name: string, makeStore: () => Promise<QueueStore>): void {
  describe(`JobQueue: ${name}`, () => {
    const stores: QueueStore[] = [];
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
    });
    const setup = async (): Promise<{ store: QueueStore; queue: JobQueue }> => {
      const store = await makeStore();
      stores.push(store);
      return { store, queue: store.open({ owner: "first" }) };
    };
    const submit = async (store: QueueStore, id: string, fields: Record<string, string> = {}) => {
      await store.write(id, { payload: `print("${id}")`, ...fields });
      await store.push(id);
    };
    const take = async (queue: JobQueue): Promise<Claim> => {
      const [claim] = await queue.claim(never, { wait: false });
      if (claim === undefined) throw new Error("nothing was there to claim");
      return claim;
    };
    const nothing = async (queue: JobQueue): Promise<void> =>
      expect(await queue.claim(never, { wait: false })).toEqual([]);
    const expire = async (store: QueueStore, queue: JobQueue): Promise<readonly OverdueLease[]> => {
      await store.passTime(suiteLeaseMs + 1);
      return (await queue.overdue()).leases;
    };
    const status = async (store: QueueStore, id: string) => (await store.fields(id)).get("status");
    const reason = async (store: QueueStore, id: string) => (await store.fields(id)).get("reason");

    claiming({ setup, submit, take, expire, nothing, status, reason });

    describe("start", () => {
      it("makes a claimed job started, once, however often the call is repeated", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        const claim = await take(queue);
        expect(await queue.start(claim)).toBe("started");
        expect(await queue.start(claim)).toBe("started");
        const fields = await store.fields("a");
        expect(fields.get("status")).toBe("started");
        expect(fields.get("attempt")).toBe("1");
        expect(Number(fields.get("started_at"))).toBeGreaterThan(0);
      });

      it("says cancelled when somebody cancelled meanwhile", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        const claim = await take(queue);
        expect(await store.cancel("a")).toBe("requested");
        expect(await queue.start(claim)).toBe("cancelled");
        expect(await status(store, "a")).toBe("dispatched");
      });

      it("starts a guarded id once within its time, whatever the hash says of itself", async () => {
        const { store, queue } = await setup();
        const guard = { replayGuardMs: 100_000 };
        await submit(store, "a");
        const claim = await take(queue);
        expect(await queue.start(claim, guard)).toBe("started");
        expect(await queue.start(claim, guard)).toBe("started"); // a repeated call is not a second start
        await queue.settle(claim, finished(""));
        await store.write("a", { status: "queued", done_token: "", attempt: "0" });
        await store.push("a");
        expect(await queue.start(await take(queue), guard)).toBe("replayed");
      });

      it("lets a guarded job start again as often as it may, and forgets the guard after its time", async () => {
        const { store, queue } = await setup();
        const guard = { replayGuardMs: 200_000, maxStarts: 2 };
        await submit(store, "a", { max_attempts: "3" });
        for (const answer of ["started", "started", "replayed"]) {
          const claim = await take(queue);
          expect(await queue.start(claim, guard)).toBe(answer);
          const [lease] = await expire(store, queue);
          await queue.reclaim(lease!);
        }
        await store.passTime(200_001);
        expect(await queue.start(await take(queue), guard)).toBe("started");
      });
    });

    describe("renew", () => {
      it("answers for each claim, in order", async () => {
        const { store, queue } = await setup();
        for (const id of ["a", "b", "c"]) await submit(store, id);
        const claims = [await take(queue), await take(queue), await take(queue)];
        await store.cancel("b");
        await queue.settle(claims[2]!, finished(""));
        expect(await queue.renew(claims)).toEqual(["held", "cancel", "lost"]);
        expect(await queue.renew([])).toEqual([]);
      });

      it("keeps a lease from ending", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        const claim = await take(queue);
        for (let round = 0; round < 3; round += 1) {
          await store.passTime(suiteLeaseMs - 5_000);
          expect((await queue.overdue()).leases).toEqual([]);
          expect(await queue.renew([claim])).toEqual(["held"]);
        }
      });

      it("gives no lease to a claim that is not ours any more", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        const claim = await take(queue);
        const [lease] = await expire(store, queue);
        await queue.reclaim(lease!);
        expect(await queue.renew([claim])).toEqual(["lost"]);
        expect(await store.leased()).toEqual([]);
      });
    });

    describe("settle", () => {
      it("stores the outcome, answers those who wait, and frees the places", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        const claim = await take(queue);
        await queue.start(claim);
        expect(await queue.settle(claim, finished("hello\n"), { signers: ["alice"] })).toBe("settled");
        const fields = await store.fields("a");
        expect(fields.get("status")).toBe("finished");
        expect(fields.get("result")).toBe("hello\n");
        expect(fields.get("exit_code")).toBe("0");
        expect(fields.get("signers")).toBe('["alice"]');
        expect(fields.get("finals")).toBe("1");
        expect(await store.reply("a")).toBe("finished");
        expect([await store.taken(), await store.leased(), await store.waiting()]).toEqual([[], [], []]);
      });

      it("is harmless when repeated", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        const claim = await take(queue);
        await queue.settle(claim, finished("hello\n"));
        const before = await store.fields("a");
        expect(await queue.settle(claim, finished("other\n"))).toBe("settled");
        expect(await store.fields("a")).toEqual(before);
      });

      it("removes what a client wrote into the fields of an ending", async () => {
        const { store, queue } = await setup();
        await submit(store, "a", {
          reason: "timeout",
          result: "forged",
          signal: "SIGKILL",
          signers: '["root"]',
          finals: "abc",
        });
        await queue.settle(await take(queue), failed("malformed", "payload is missing"));
        const fields = await store.fields("a");
        expect(fields.get("reason")).toBe("malformed");
        expect(fields.get("error")).toBe("payload is missing");
        for (const name of ["result", "signal", "signers"]) expect(fields.get(name)).toBeUndefined();
        expect(fields.get("finals")).toBe("1");
      });

      it("changes nothing when another claim exists", async () => {
        const { store, queue } = await setup();
        await submit(store, "a", { max_attempts: "2" });
        const zombie = await take(queue);
        await queue.start(zombie);
        const [lease] = await expire(store, queue);
        expect(await queue.reclaim(lease!)).toBe("requeued");
        const second = store.open({ owner: "second" });
        const claim = await take(second);
        await second.start(claim);
        const before = await store.fields("a");
        expect(await queue.start(zombie)).toBe("lost");
        expect(await queue.renew([zombie])).toEqual(["lost"]);
        expect(await queue.settle(zombie, finished("late word"))).toBe("lost");
        expect(await queue.release(zombie)).toBe("lost");
        await queue.appendLog(zombie, [{ stream: "out", offset: 0, data: "late" }]);
        expect(await store.log("a")).toEqual([]);
        expect(await store.fields("a")).toEqual(before);
        expect(await second.settle(claim, finished("good"))).toBe("settled");
        expect((await store.fields("a")).get("result")).toBe("good");
        expect((await store.fields("a")).get("finals")).toBe("1");
      });
    });

    describe("release", () => {
      it("puts a job back in its old place, free of charge", async () => {
        const { store, queue } = await setup();
        for (const id of ["a", "b"]) await submit(store, id);
        expect(await queue.release(await take(queue))).toBe("released");
        expect(await store.waiting()).toEqual(["a", "b"]);
        expect(await store.taken()).toEqual([]);
        expect(await store.leased()).toEqual([]);
        expect((await take(queue)).claims).toBe(1);
      });

      it("keeps a job that was started", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        const claim = await take(queue);
        await queue.start(claim);
        expect(await queue.release(claim)).toBe("lost");
        expect(await queue.renew([claim])).toEqual(["held"]);
      });

      it("repeated, it does not queue the job twice", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        const claim = await take(queue);
        await queue.release(claim);
        await queue.release(claim);
        expect(await store.waiting()).toEqual(["a"]);
      });
    });

    reclaiming({ setup, submit, take, expire, nothing, status, reason });

    describe("cancel", () => {
      it("ends a waiting job at once", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        expect(await store.cancel("a")).toBe("cancelled");
        expect(await reason(store, "a")).toBe("cancelled");
        expect(await store.reply("a")).toBe("error");
        await nothing(queue);
      });

      it("ends a job that was stored and not queued", async () => {
        const { store } = await setup();
        await store.write("a", { payload: "x", status: "created" });
        expect(await store.cancel("a")).toBe("cancelled");
      });

      it("asks a running job, whose runner hears it at the next renewal", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        const claim = await take(queue);
        await queue.start(claim);
        expect(await store.cancel("a")).toBe("requested");
        expect(await queue.renew([claim])).toEqual(["cancel"]);
      });

      it("is remembered for a job that nobody has pushed yet", async () => {
        const { store, queue } = await setup();
        await store.write("a", { payload: "x" });
        expect(await store.cancel("a")).toBe("requested");
        await store.push("a");
        await nothing(queue);
        expect(await reason(store, "a")).toBe("cancelled");
      });

      it("comes too late for a final job, and finds no unknown one", async () => {
        const { store, queue } = await setup();
        await submit(store, "a");
        await queue.settle(await take(queue), finished(""));
        expect(await store.cancel("a")).toBe("final");
        expect(await status(store, "a")).toBe("finished");
        expect(await store.cancel("unknown")).toBe("missing");
      });
    });

    liveOutput({ setup, submit, take, expire });

    describe("a hash full of nonsense", () => {
      const hostile: readonly Record<string, string>[] = [
        { claims: "-1000", attempt: "nan", finals: "abc" },
        { claims: "1e308", attempt: "-inf" },
        { status: "started", attempt: "0", token: "x".repeat(32) },
        { status: "dispatched", token: "t", owner: "", claims: "" },
        { status: "\u0000", attempt: "inf", max_attempts: "inf" },
        { max_attempts: "-5", attempt: "0x7fffffff", claims: "  " },
      ];
      it.each(hostile.map((fields) => [fields]))("%j comes to one end and blocks nothing", async (fields) => {
        const { store, queue } = await setup();
        await submit(store, "bad", fields);
        await submit(store, "good");
        let claim = await take(queue);
        if (claim.jobId === "bad") {
          expect(await queue.start(claim)).toBe("started");
          expect(await queue.settle(claim, failed("malformed", "no"))).toBe("settled");
          claim = await take(queue);
        }
        expect(claim.jobId).toBe("good");
        expect(await status(store, "bad")).toBe("error");
        expect((await store.fields("bad")).get("finals")).toBe("1");
        await queue.settle(claim, finished(""));
        expect([await store.taken(), await store.leased()]).toEqual([[], []]);
      });
    });
  });
}
