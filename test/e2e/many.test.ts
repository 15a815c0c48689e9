/** Many jobs: order, memory, and a runner that is killed in the middle of them. The long form is `npm run soak`. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { endToEnd, expectNothingTaken } from "../support/e2e.ts";
import { soak } from "../soak/soak.ts";
import { executions, pushJobs } from "../support/many-jobs.ts";
import { shellHero, standInHero } from "../support/stand-in-hero.ts";
import { until } from "../support/until.ts";

const e2e = endToEnd();

test("kill -9 in the middle of 200 jobs and a restart: each comes to one end, none is run twice", async () => {
  const id = e2e.newRunner();
  const options = { env: {} };
  const runner = await e2e.start(id, ["-c", "4", "--hero", await shellHero(), "--host-id", "here"], options);
  const folder = await mkdtemp(join(tmpdir(), "herorunner-many-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [file, go] = [join(folder, "executions"), join(folder, "go")];
  const jobs = await pushJobs({
    ...{ url: e2e.server.url, runner: id, count: 200 },
    // However late the runner is killed, it is in the middle of them.
    payload: `echo $HERO_JOB_ID >> ${file}; sleep 0.02; if [ $(wc -l < ${file}) -gt 60 ]; then until [ -e ${go} ]; do sleep 0.02; done; fi`,
  });
  onTestFinished(() => jobs.close());
  await until(async () => (await executions(file)).size >= 40, "40 jobs were executed");
  runner.signal("SIGKILL");
  await runner.exited;
  const before = await jobs.finals();
  expect(before).toBeLessThan(200);
  await writeFile(go, "");
  await e2e.start(id, ["-c", "4", "--hero", await shellHero(), "--host-id", "here"], options);
  await jobs.untilFinal(200);
  const endings = await jobs.endings();
  const lost = endings["runner_lost"] ?? 0;
  expect(endings).toEqual({ finished: 200 - lost, ...(lost > 0 ? { runner_lost: lost } : {}) });
  expect(lost).toBeLessThanOrEqual(4); // no more than were running
  const counts = await executions(file);
  expect([...counts.values()].filter((count) => count > 1)).toEqual([]);
  expect(counts.size).toBeGreaterThanOrEqual(200 - lost);
  for (const job of jobs.ids) expect((await e2e.redis.job(id, job))["finals"]).toBe("1");
  await expectNothingTaken(e2e.redis, id);
});

test("500 jobs through 8 slots all finish, are taken in order, and memory stays flat", async () => {
  const id = e2e.newRunner();
  const runner = await e2e.start(id, ["-c", "8", "--hero", await standInHero("exec /bin/cat")]);
  const report = await soak({ url: e2e.server.url, runner: id, pid: runner.pid, count: 500, waveJobs: 200 });
  expect(report.endings).toEqual({ finished: 500 });
  expect(report.outOfOrder).toBe(0);
  expect(report.grownMiB).toBeLessThan(30);
  await expectNothingTaken(e2e.redis, id);
});

test("one slot runs jobs in the order in which they were pushed", async () => {
  const id = e2e.newRunner();
  const jobs = await pushJobs({ url: e2e.server.url, runner: id, count: 40, payload: "x" });
  onTestFinished(() => jobs.close());
  const runner = await e2e.start(id, ["--hero", await standInHero("exec /bin/true")]);
  await jobs.untilFinal(40);
  await runner.logged("job finished id=j39");
  const started = [...runner.stdout().matchAll(/job started id=(\S+)/g)].map((match) => match[1]);
  expect(started).toEqual(jobs.ids);
});
