/** What JobQueue means by taking back what a dead runner had: a part of its suite. */
import { finished } from "@herorunner/job";
import { describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import type { ClaimingSteps } from "./claiming.ts";

export function reclaiming({ setup, submit, take, expire, status, reason }: ClaimingSteps): void {
  describe("overdue and reclaim", () => {
    it("re-queues a job that was not started, to be taken next", async () => {
      const { store, queue } = await setup();
      for (const id of ["a", "b"]) await submit(store, id);
      await take(queue);
      expect((await queue.overdue()).leases).toEqual([]);
      const leases = await expire(store, queue);
      expect(leases.map((lease) => lease.jobId)).toEqual(["a"]);
      expect(await queue.reclaim(leases[0]!)).toBe("requeued");
      expect(await queue.reclaim(leases[0]!)).toBe("live");
      expect(await store.waiting()).toEqual(["a", "b"]);
      expect(await status(store, "a")).toBe("queued");
      expect((await take(queue)).claims).toBe(2);
    });

    it("ends a started job as lost when it asked for one attempt", async () => {
      const { store, queue } = await setup();
      await submit(store, "a");
      await queue.start(await take(queue));
      const [lease] = await expire(store, queue);
      expect(await queue.reclaim(lease!)).toBe("failed");
      expect(await status(store, "a")).toBe("error");
      expect(await reason(store, "a")).toBe("runner_lost");
      expect(await store.reply("a")).toBe("error");
      expect([await store.taken(), await store.leased(), await store.waiting()]).toEqual([[], [], []]);
    });

    it("leaves a lease alone that was renewed after it was seen", async () => {
      const { store, queue } = await setup();
      await submit(store, "a");
      const claim = await take(queue);
      const [lease] = await expire(store, queue);
      await queue.renew([claim]);
      expect(await queue.reclaim(lease!)).toBe("live");
      expect(await queue.renew([claim])).toEqual(["held"]);
    });

    it("gives a cancelled job to nobody", async () => {
      const { store, queue } = await setup();
      await submit(store, "a");
      await take(queue);
      await store.cancel("a");
      const [lease] = await expire(store, queue);
      expect(await queue.reclaim(lease!)).toBe("failed");
      expect(await reason(store, "a")).toBe("cancelled");
    });

    it("adopts an id that was taken and never became a claim", async () => {
      const { store, queue } = await setup();
      await submit(store, "busy");
      const claim = await take(queue);
      await store.push("ghost");
      const ending = new AbortController();
      const none = queue.claim(ending.signal, { wait: false });
      await until(async () => (await store.taken()).includes("ghost"), "it was taken");
      expect((await queue.overdue()).leases).toEqual([]);
      expect([...(await store.leased())].sort()).toEqual(["busy", "ghost"]);
      ending.abort();
      expect(await none).toEqual([]);
      await queue.settle(claim, finished(""));
    });

    it("lets a dead process's claims be reclaimed at once", async () => {
      const { store, queue } = await setup();
      for (const id of ["a", "b", "c"]) await submit(store, id);
      const [a, b, c] = [await take(queue), await take(queue), await take(queue)];
      await queue.start(b);
      await queue.settle(c, finished(""));
      const successor = store.open({ owner: "second" });
      const leases = await successor.abandon([a, b, c, { jobId: "unknown", token: "t" }]);
      expect(leases.map((lease) => lease.jobId)).toEqual(["a", "b"]);
      const answers: string[] = [];
      for (const lease of leases) answers.push(await successor.reclaim(lease));
      expect(answers).toEqual(["requeued", "failed"]);
      expect(await successor.abandon([a, b])).toEqual([]);
    });
  });
}
