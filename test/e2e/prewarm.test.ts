/** `herorunner --prewarm`: jobs done by a hero that already waits. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { builtBin } from "../support/built.ts";
import { endToEnd } from "../support/e2e.ts";

const e2e = endToEnd();

test("jobs know who they are, bring variables of their own, fail and time out as ever", async () => {
  const runner = e2e.newRunner();
  const daemon = await e2e.start(runner, ["--prewarm", "2", "-c", "2", "--hero", builtBin("hero")]);
  await daemon.logged("hero waits for its jobs");
  const jobs: Record<string, Record<string, string>> = {
    plain: { payload: "print(env.HERO_JOB_ID + ' ' + env.HERO_CALLER_ID + ' ' + 6 * 7)", caller_id: "ann" },
    again: { payload: "print(env.HERO_JOB_ID)\nprint(String(env.HERO_LATE_ENV))" },
    own: { payload: "print(env.MY_VAR)", env_vars: '{"MY_VAR":"mine"}' },
    fails: { payload: "fail('on purpose')" },
    hangs: { payload: "for (;;) {}", timeout: "1" },
  };
  for (const [id, fields] of Object.entries(jobs)) await e2e.redis.submit(runner, id, fields);
  expect(await e2e.redis.final(runner, "plain")).toMatchObject({
    status: "finished",
    result: "plain ann 42\n",
  });
  expect((await e2e.redis.final(runner, "again"))["result"]).toBe("again\nundefined\n");
  expect((await e2e.redis.final(runner, "own"))["result"]).toBe("mine\n");
  expect(await e2e.redis.final(runner, "fails")).toMatchObject({ reason: "exit_status", exit_code: "1" });
  expect(await e2e.redis.final(runner, "hangs")).toMatchObject({ reason: "timeout" });
});

test("a hero that cannot wait is found out, and its jobs are started when they come", async () => {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-foreign-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const foreign = join(folder, "hero");
  await writeFile(foreign, "#!/bin/sh\nexec cat\n");
  await chmod(foreign, 0o755);
  const runner = e2e.newRunner();
  const daemon = await e2e.start(runner, ["--prewarm", "1", "--hero", foreign]);
  await daemon.logged("--prewarm: this hero does not take");
  await e2e.redis.submit(runner, "1", { payload: "as it is" });
  expect((await e2e.redis.final(runner, "1"))["result"]).toBe("as it is");
});

test.each([
  ["--invoke", "script"],
  ["--launcher", "plain"],
])("--prewarm with %s %s is a usage error", async (flag, value) => {
  const daemon = await e2e.start(e2e.newRunner(), ["--prewarm", "1", flag, value], { waitForStart: false });
  expect(await daemon.exited).toBe(2);
  expect(daemon.stderr()).toContain("--prewarm");
});
