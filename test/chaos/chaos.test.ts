/** The short form of `npm run chaos`: every fault at least once. */
import { expect, it } from "vitest";
import { runChaos } from "./chaos.ts";

it("keeps its promises while runners and Redis are killed and frozen", async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  console.log(`chaos: seed ${seed}; the long form is npm run chaos -- --minutes 10 --seed ${seed}`);
  const report = await runChaos({ seed, seconds: 14, jobsPerSecond: 10 });
  expect(report.tally.violations).toEqual([]);
  expect(report.tally).toMatchObject({ lost: 0, twoFinals: 0, startedTooOften: 0, leftOver: 0 });
  expect(report.tally.endings["finished"]).toBeGreaterThan(report.tally.acknowledged / 2);
  expect(Object.values(report.deeds).every((count) => count > 0)).toBe(true);
  expect(report.exits).toEqual([0, 0, 0]);
});
