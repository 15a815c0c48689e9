/** What JobQueue means by taking jobs: a part of its suite. */
import { finished, type JobQueue } from "@herorunner/job";
import { describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import type { QueueStore } from "./job-queue.ts";
import type { SuiteSteps } from "./live-output.ts";

export interface ClaimingSteps extends SuiteSteps {
  /** Expects that there is nothing to take. */
  readonly nothing: (queue: JobQueue) => Promise<void>;
  readonly status: (store: QueueStore, id: string) => Promise<string | undefined>;
  readonly reason: (store: QueueStore, id: string) => Promise<string | undefined>;
}

const never = new AbortController().signal;

export function claiming(steps: ClaimingSteps): void {
  const { setup, submit, take, expire, nothing, status, reason } = steps;
  describe("claim", () => {
    it("hands out the oldest job with its fields, byte for byte", async () => {
      const { store, queue } = await setup();
      const payload = Buffer.from([0x70, 0xff, 0x00, 0x0a]);
      await store.write("a", { payload, caller_id: "alice" });
      await store.push("a");
      await submit(store, "b");
      const claim = await take(queue);
      expect(claim.jobId).toBe("a");
      expect(claim.claims).toBe(1);
      expect(claim.token).toMatch(/^[0-9a-f]{32}$/);
      expect(Buffer.from(claim.fields.get("payload") ?? [])).toEqual(payload);
      expect(Buffer.from(claim.fields.get("caller_id") ?? []).toString()).toBe("alice");
      expect((await store.fields("a")).get("status")).toBe("dispatched");
      expect((await store.fields("a")).get("owner")).toBe("first");
      expect(await store.waiting()).toEqual(["b"]);
      expect(await store.taken()).toEqual(["a"]);
      expect(await store.leased()).toEqual(["a"]);
    });

    it("hands out as many as are wanted of those that wait, the oldest first, each with its own token", async () => {
      const { store, queue } = await setup();
      for (const id of ["a", "b", "c", "d"]) await submit(store, id);
      const claims = await queue.claim(never, { most: 3 });
      expect(claims.map((claim) => claim.jobId)).toEqual(["a", "b", "c"]);
      expect(new Set(claims.map((claim) => claim.token)).size).toBe(3);
      expect(await store.waiting()).toEqual(["d"]);
      expect((await store.leased()).toSorted()).toEqual(["a", "b", "c"]);
      expect(await queue.renew(claims)).toEqual(["held", "held", "held"]);
      const rest = await queue.claim(never, { most: 3 });
      expect(rest.map((claim) => claim.jobId)).toEqual(["d"]);
    });

    it("does not wait for more than the first one", async () => {
      const { store, queue } = await setup();
      const claims = queue.claim(never, { most: 10 });
      await submit(store, "late");
      expect((await claims).map((claim) => claim.jobId)).toEqual(["late"]);
    });

    it("puts what cannot be run aside between those that can, and still hands out as many as are wanted", async () => {
      const { store, queue } = await setup();
      await submit(store, "over");
      await queue.settle(await take(queue), finished(""));
      for (const id of ["over", "not an id", "ghost"]) await store.push(id);
      await submit(store, "a");
      for (const id of ["over", "a"]) await store.push(id);
      await submit(store, "b");
      const claims = await queue.claim(never, { most: 2 });
      expect(claims.map((claim) => claim.jobId)).toEqual(["a", "b"]);
      expect((await store.taken()).toSorted()).toEqual(["a", "b", "ghost"]);
      expect(await store.dead()).toEqual(["not an id"]);
    });

    it("waits for a job that comes later", async () => {
      const { store, queue } = await setup();
      const claim = queue.claim(never);
      await submit(store, "late");
      expect((await claim)[0]?.jobId).toBe("late");
    });

    it("ends with nothing when the signal aborts, and takes nothing after that", async () => {
      const { store, queue } = await setup();
      const stop = new AbortController();
      const claim = queue.claim(stop.signal);
      stop.abort();
      expect(await claim).toEqual([]);
      await submit(store, "a");
      expect(await queue.claim(stop.signal)).toEqual([]);
      expect(await store.waiting()).toEqual(["a"]);
      expect((await take(queue)).jobId).toBe("a");
    });

    it("without waiting, ends with nothing when the queue is empty", async () => {
      const { queue } = await setup();
      await nothing(queue);
    });

    it("without waiting, does not end before the hash of a taken id has come, or has not", async () => {
      const { store, queue } = await setup();
      await store.push("never");
      await nothing(queue);
      expect(await store.dead()).toEqual(["never"]);
      let tries = 0;
      await until(async () => {
        const jobId = `late-${(tries += 1)}`;
        const pushedAtMs = performance.now();
        await store.push(jobId);
        const claims = queue.claim(never, { wait: false });
        await until(async () => (await store.taken()).includes(jobId), "it was taken");
        await store.write(jobId, { payload: "x" });
        const isInTime = performance.now() - pushedAtMs < 1_000;
        const claimed = await claims;
        if (isInTime) expect(claimed).toMatchObject([{ jobId }]);
        return isInTime;
      }, "the hash was written in time");
    });

    it("leaves a job alone that is claimed and was pushed again", async () => {
      const { store, queue } = await setup();
      await submit(store, "a");
      const claim = await take(queue);
      await store.push("a");
      const second = store.open({ owner: "second" });
      await nothing(second);
      expect(await store.taken()).toEqual(["a"]);
      expect(await queue.renew([claim])).toEqual(["held"]);
      expect((await store.fields("a")).get("owner")).toBe("first");
    });

    it("leaves a final job alone that was pushed again", async () => {
      const { store, queue } = await setup();
      await submit(store, "a");
      await queue.settle(await take(queue), finished("once\n"));
      const before = await store.fields("a");
      await store.push("a");
      await nothing(queue);
      expect(await store.fields("a")).toEqual(before);
      expect(await store.taken()).toEqual([]);
    });

    it("ends a cancelled job that waits, whatever status a client has written", async () => {
      const { store, queue } = await setup();
      await submit(store, "a", { status: "dispatched" });
      await submit(store, "b", { status: "waiting for Godot" });
      for (const id of ["a", "b"]) await store.cancel(id);
      await nothing(queue);
      for (const id of ["a", "b"])
        expect([await status(store, id), await reason(store, id)]).toEqual(["error", "cancelled"]);
    });

    it("refuses a job that was claimed five times without an end", async () => {
      const { store, queue } = await setup();
      await submit(store, "a");
      for (let round = 0; round < 5; round += 1) {
        await take(queue);
        const [lease] = await expire(store, queue);
        const answer = await queue.reclaim(lease!);
        expect(answer).toBe(round < 4 ? "requeued" : "poisoned");
      }
      expect(await reason(store, "a")).toBe("poisoned");
      expect(await store.reply("a")).toBe("error");
    });

    it("starts a job as often as it asked for, even above the limit of five claims", async () => {
      const { store, queue } = await setup();
      await submit(store, "a", { max_attempts: "7" });
      for (let attempt = 1; attempt <= 7; attempt += 1) {
        await queue.start(await take(queue));
        const [lease] = await expire(store, queue);
        expect(await queue.reclaim(lease!)).toBe(attempt < 7 ? "requeued" : "failed");
      }
      expect(await reason(store, "a")).toBe("runner_lost");
      expect((await store.fields("a")).get("attempt")).toBe("7");
    });

    it("hands out a job of any size without its fields when they are too large", async () => {
      const { store } = await setup();
      await submit(store, "a", { payload: "x".repeat(2_000) });
      const claim = await take(store.open({ maxHashBytes: 1_000 }));
      expect(claim.oversizedBytes).toBeGreaterThan(2_000);
      expect(claim.fields.get("payload")).toBeUndefined();
    });

    it("takes the next job while the hash of one has not come", async () => {
      const { store, queue } = await setup();
      await store.push("late");
      await submit(store, "a");
      expect((await take(queue)).jobId).toBe("a");
      await store.write("late", { payload: "came" });
      const [claim] = await queue.claim(never);
      expect(claim?.jobId).toBe("late");
      expect(claim?.claims).toBe(1);
    });

    it("gives an id whose hash never comes an error record, a reply and a place in the dead list", async () => {
      const { store, queue } = await setup();
      await store.push("ghost");
      await nothing(queue);
      await until(async () => (await store.dead()).length > 0, "the id is dead");
      expect(await store.dead()).toEqual(["ghost"]);
      expect(await status(store, "ghost")).toBe("error");
      expect(await reason(store, "ghost")).toBe("missing");
      expect(await store.reply("ghost")).toBe("error");
      expect(await store.taken()).toEqual([]);
      expect(await store.leased()).toEqual([]);
    });

    it("puts ids that are not ids into the dead list and goes on", async () => {
      const { store, queue } = await setup();
      for (const id of ["", "two words", "a/b", "{x}", "*", "x".repeat(129)]) await store.push(id);
      await submit(store, "good");
      expect((await take(queue)).jobId).toBe("good");
      expect(await store.dead()).toHaveLength(6);
      expect(await store.taken()).toEqual(["good"]);
    });
  });
}
