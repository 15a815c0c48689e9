/** A supervisor on a cluster of three nodes: keys, registry and runners lie on different nodes, and nobody notices. */
import { describe, expect, it } from "vitest";
import { startCluster } from "../../../test/support/redis-cluster.ts";
import { startHarness } from "./support/harness.ts";

describe("on a Redis Cluster", () => {
  it("registers, runs, finds, lists, cancels and deletes jobs of runners all over it", async () => {
    await using cluster = await startCluster();
    const harness = await startHarness();
    const served = await harness.serve({ redisUrl: cluster.url });
    const runners = Array.from({ length: 6 }, (_, n) => `runner-${n}`);
    const homes = await Promise.all(runners.map((id) => cluster.ownerOf(`hero:{${id}}:queue`)));
    expect(new Set(homes).size).toBeGreaterThan(1);
    for (const id of runners) await served.call("runner.register", { id });
    const { key } = await served.call("key.create", { name: "k", scopes: ["jobs:write"] });
    for (const runner of runners)
      await served.call("job.run", { runner, payload: "x", id: `job-of-${runner}` }, key);
    const { jobs } = await served.call("job.list", {}, key);
    expect(jobs.map((job) => job.runner).sort()).toEqual(runners);
    expect(await served.call("job.cancel", { id: "job-of-runner-3" }, key)).toMatchObject({
      reason: "cancelled",
    });
    expect(await served.call("job.delete", { id: "job-of-runner-4" })).toEqual({ deleted: true });
    const { runners: views } = await served.call("runner.list", {});
    expect(views.map(({ queued }) => queued)).toEqual([1, 1, 1, 0, 0, 1]);
    expect(await served.call("supervisor.info", {})).toMatchObject({
      redis: { kind: "cluster", reachable: true },
    });
    await harness.stop();
  });
});
