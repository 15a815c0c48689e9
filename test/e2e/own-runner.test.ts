/** examples/shell-less-runner.ts, the runner that docs/own-runner.md goes through. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repositoryRoot } from "../support/built.ts";
import { endToEnd, expectNothingTaken } from "../support/e2e.ts";
import { until } from "../support/until.ts";

const e2e = endToEnd();
const runner = "words-1";

describe("examples/shell-less-runner.ts", () => {
  let child: ReturnType<typeof start>;
  let said = "";
  beforeAll(() => {
    child = start();
    child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  });
  afterAll(() => child.kill("SIGKILL"));

  let ids = 0;
  const ran = async (fields: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> => {
    const id = String((ids += 1));
    await e2e.redis.submit(runner, id, fields);
    return e2e.redis.final(runner, id);
  };

  test("starts the program with the words of the job as arguments, without a shell", async () => {
    expect(await ran({ payload: "echo 'two  words' $HOME; ls" })).toMatchObject({
      status: "finished",
      result: "two  words $HOME; ls\n",
    });
  });

  test("refuses what it does not know before it starts anything", async () => {
    const refused = await ran({ payload: "rm -rf /tmp/nothing" });
    expect(refused).toMatchObject({ reason: "malformed" });
    expect(refused["error"]).toContain('this runner starts echo, date, sleep, not "rm"');
    expect(refused).not.toHaveProperty("started_at");
  });

  test("says how a program ended", async () => {
    expect(await ran({ payload: "date --no-such-option" })).toMatchObject({
      reason: "exit_status",
      exit_code: "1",
    });
    expect(await ran({ payload: "sleep 30", timeout: "1" })).toMatchObject({ reason: "timeout" });
    expect(await ran({ payload: "echo", env_vars: '{"LD_PRELOAD":"x"}' })).toMatchObject({
      reason: "env_refused",
    });
  });

  test("ends a job that is cancelled while it runs", async () => {
    await e2e.redis.submit(runner, "c", { payload: "sleep 30" });
    await until(async () => (await e2e.redis.job(runner, "c"))["status"] === "started", "the job is started");
    await e2e.redis.call("HSET", `hero:{${runner}}:job:c`, "cancel", "1");
    await e2e.redis.call("PUBLISH", `hero:{${runner}}:control`, '{"op":"cancel","id":"c"}');
    expect(await e2e.redis.final(runner, "c")).toMatchObject({ reason: "cancelled" });
  });

  test("ends on SIGTERM when its jobs have ended", async () => {
    await e2e.redis.submit(runner, "last", { payload: "sleep 3" }); // longer than a busy machine looks away
    await until(
      async () => (await e2e.redis.job(runner, "last"))["status"] === "started",
      "the job is started",
    );
    child.kill("SIGTERM");
    const [code] = (await once(child, "close")) as [number | null];
    expect([code, said]).toEqual([0, `${runner} takes jobs\n${ids + 2} jobs done\n`]);
    expect(await e2e.redis.job(runner, "last")).toMatchObject({ status: "finished" });
    await expectNothingTaken(e2e.redis, runner);
  });
});

function start() {
  const args = [
    "--import",
    "tsx",
    "--conditions=@herorunner/source",
    "examples/shell-less-runner.ts",
    runner,
  ];
  return spawn(process.execPath, args, {
    cwd: repositoryRoot,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], REDIS_URL: e2e.server.url },
    stdio: ["ignore", "pipe", "inherit"],
  });
}
