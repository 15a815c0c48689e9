/** What JobQueue means for a job's live output: a part of its suite. */
import { type Claim, finished, type JobQueue, type OverdueLease } from "@herorunner/job";
import { describe, expect, it } from "vitest";
import type { QueueStore } from "./job-queue.ts";

/** What the suite's tests do again and again. */
export interface SuiteSteps {
  readonly setup: () => Promise<{ readonly store: QueueStore; readonly queue: JobQueue }>;
  readonly submit: (store: QueueStore, id: string, fields?: Record<string, string>) => Promise<void>;
  readonly take: (queue: JobQueue) => Promise<Claim>;
  /** All leases end; answers what is over. */
  readonly expire: (store: QueueStore, queue: JobQueue) => Promise<readonly OverdueLease[]>;
}

export function liveOutput({ setup, submit, take, expire }: SuiteSteps): void {
  describe("settle with live output", () => {
    it("adds the last pieces to the log, after those that were sent before, once", async () => {
      const { store, queue } = await setup();
      await submit(store, "a");
      const claim = await take(queue);
      await queue.start(claim);
      await queue.appendLog(claim, [{ stream: "out", offset: 0, data: "one" }]);
      const log = [
        { stream: "err", offset: 0, data: "two" },
        { stream: "out", offset: 3, data: "three" },
      ] as const;
      for (let round = 0; round < 2; round += 1)
        expect(await queue.settle(claim, finished("onethree"), { log })).toBe("settled");
      expect(
        (await store.log("a")).map(({ seq, stream, offset, data }) => [seq, stream, offset, data]),
      ).toEqual([
        [1, "out", 0, "one"],
        [2, "err", 0, "two"],
        [3, "out", 3, "three"],
      ]);
      expect((await store.fields("a")).get("result")).toBe("onethree");
    });

    it("takes ten thousand pieces", async () => {
      const { store, queue } = await setup();
      await submit(store, "a");
      const claim = await take(queue);
      await queue.start(claim);
      const log = Array.from(
        { length: 10_000 },
        (_, offset) => ({ stream: "out", offset, data: "x" }) as const,
      );
      expect(await queue.settle(claim, finished(""), { log })).toBe("settled");
      expect((await store.log("a")).at(-1)).toMatchObject({ seq: 10_000, offset: 9_999 });
    });

    it("adds nothing for a claim that moved on", async () => {
      const { store, queue } = await setup();
      await submit(store, "a", { max_attempts: "2" });
      const zombie = await take(queue);
      await queue.start(zombie);
      const [lease] = await expire(store, queue);
      await queue.reclaim(lease!);
      const log = [{ stream: "out", offset: 0, data: "late" }] as const;
      expect(await queue.settle(zombie, finished(""), { log })).toBe("lost");
      expect(await store.log("a")).toEqual([]);
    });
  });

  describe("appendLog", () => {
    it("numbers entries from 1 and goes on numbering in a later attempt", async () => {
      const { store, queue } = await setup();
      await submit(store, "a", { max_attempts: "2" });
      const first = await take(queue);
      await queue.start(first);
      await queue.appendLog(first, [
        { stream: "out", offset: 0, data: "one" },
        { stream: "err", offset: 0, data: "two" },
      ]);
      await queue.appendLog(first, []);
      const entries = await store.log("a");
      expect(entries.map(({ seq, stream, offset, data }) => [seq, stream, offset, data])).toEqual([
        [1, "out", 0, "one"],
        [2, "err", 0, "two"],
      ]);
      const [lease] = await expire(store, queue);
      await queue.reclaim(lease!);
      const second = await take(queue);
      await queue.appendLog(second, [{ stream: "out", offset: 0, data: "again" }]);
      expect((await store.log("a")).at(-1)).toMatchObject({ seq: 3, data: "again" });
    });
  });
}
