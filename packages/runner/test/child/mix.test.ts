/**
 * Many jobs at once, honest and hostile, while others are aborted, servers are lost and the executor is closed: none has anything
 * of another. It found what spawn-server-places.test.ts is about in three of four runs. A longer one: HERORUNNER_MIX_SECONDS=60, with HERORUNNER_MIX_SEED for another order.
 */
import { probeIsolation } from "@herorunner/runner";
import { describe, expect, it } from "vitest";
import { runMix } from "../../../../test/support/job-mix.ts";
import { needSpawnServer } from "../../../../test/support/native-spawn-server.ts";

const available = (await probeIsolation()).filter((one) => one.available).map((one) => one.level);
const inAllMs = Number(process.env["HERORUNNER_MIX_SECONDS"] ?? "4.5") * 1000;
const seed = Number(process.env["HERORUNNER_MIX_SEED"] ?? "1");
/** A job in the fence of another one shows where there are fences. */
const fenced = available.includes("cgroup") ? "cgroup" : "group";
await needSpawnServer();

describe("a mix of jobs", () => {
  it.each([
    { level: fenced, share: 0.4, launcher: "native", lanes: 6, servers: 4, losesServers: false },
    { level: fenced, share: 0.25, launcher: "python", lanes: 3, servers: 4, losesServers: false },
    { level: fenced, share: 0.25, launcher: "native", lanes: 5, servers: 3, losesServers: true },
    { level: "group", share: 0.1, launcher: "plain", lanes: 4, servers: 1, losesServers: false },
  ] as const)(
    "at level $level through $launcher, $lanes at once, servers lost: $losesServers",
    async ({ share, ...options }) => {
      const { jobs, problems } = await runMix({ ...options, seed, forMs: share * inAllMs });
      expect(problems).toEqual([]);
      expect(jobs).toBeGreaterThan(0);
    },
    inAllMs + 60_000,
  );
});
