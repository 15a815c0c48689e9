/** Submitting, waiting and following, as a script does it: real processes, real Redis, pipes. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openConnection, parseRedisUrl, RedisPresence } from "@herorunner/job";
import { connectRedis } from "../../../test/support/redis-client.ts";
import { startRedis } from "../../../test/support/redis-server.ts";
import { until } from "../../../test/support/until.ts";
import { type Bench, openBench } from "./support/bench.ts";
import { herojobHere } from "./support/here.ts";
import { herojob, startHerojob } from "./support/herojob.ts";

let bench: Bench;
beforeAll(async () => void (bench = await openBench()));
afterAll(() => bench.close());

const run = (args: readonly string[], input?: string): ReturnType<typeof herojobHere> =>
  herojobHere(args, bench.env, input);
const file = (name: string): string => join(bench.folder, name);

describe("submit", () => {
  test("prints the id alone, and the job runs", async () => {
    const { code, stdout, stderr } = await herojob(["submit", "-e", "print hi"], { env: bench.env });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^[0-9a-f-]{36}\n$/);
    expect(await bench.api.wait(stdout.trim(), { timeoutMs: 10_000 })).toMatchObject({ result: "hi\n" });
  });

  test("--wait gives the result byte for byte, control characters and missing newline included", async () => {
    const nasty = "\u001b[31mred\u001b[0m\u0007\u202e\u0085 \tend";
    const args = ["submit", "--wait", "-e", `quiet ${nasty}`];
    const { code, stdout, stderr } = await herojob(args, { env: bench.env });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: nasty, stderr: "" });
  });

  test("a failed job gives its output, its stderr, one sentence, and exit code 1", async () => {
    const payload = "print before\nwarn trouble\nfail 3";
    const { code, stdout, stderr } = await run(["submit", "--wait", "--id", "fails", "-e", payload]);
    expect([code, stdout]).toEqual([1, "before\n"]);
    expect(stderr).toBe(
      "trouble\nherojob: job fails ended as error (exit_status): scripted ended with exit code 3\n",
    );
  });

  test("--wait --json is one job view in wire names", async () => {
    const { code, stdout } = await run(["submit", "--json", "--wait", "--env", "A=1,2 3", "-e", "env A"]);
    expect(code).toBe(0);
    expect(stdout.split("\n")).toHaveLength(2);
    const view: unknown = JSON.parse(stdout);
    expect(view).toMatchObject({
      outcome: "created",
      runner: "web-1",
      status: "finished",
      result: "1,2 3\n",
    });
    expect(view).toMatchObject({ exit_code: 0, env_names: ["A"], timeout: 60, stdout_bytes: 6 });
  });

  test("takes the script from a file and from standard input", async () => {
    await writeFile(file("deploy.hero"), "print from a file\n");
    expect((await run(["submit", "--wait", file("deploy.hero")])).stdout).toBe("from a file\n");
    const piped = { env: bench.env, input: "print from a pipe" };
    expect((await herojob(["submit", "--wait", "-"], piped)).stdout).toBe("from a pipe\n");
  });

  test("takes a job file, and flags go before it", async () => {
    const job = { runner: "web-1", payload: "env A\nenv B", env_vars: { A: "file", B: "file" }, timeout: 9 };
    await writeFile(file("job.json"), JSON.stringify(job));
    const { stdout } = await run([
      "submit",
      "--wait",
      "--json",
      "--env",
      "B=flag",
      "--caller",
      "me",
      file("job.json"),
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ result: "file\nflag\n", timeout: 9, caller_id: "me" });
    expect((await run(["submit", "--wait", "-"], JSON.stringify(job))).stdout).toBe("file\nfile\n");
  });

  test("the same id again is told and changes nothing; other content is a conflict", async () => {
    await run(["submit", "--wait", "--id", "twice", "-e", "print a"]);
    const again = await run(["submit", "--id", "twice", "-e", "print a"]);
    expect([again.code, again.stdout]).toEqual([0, "twice\n"]);
    expect(again.stderr).toContain("job twice was submitted before and is finished");
    expect((await run(["submit", "--id", "twice", "-e", "print b"])).code).toBe(5);
  });

  test("--follow shows both streams while the job runs, and repeats nothing at the end", async () => {
    const args = ["submit", "--follow", "--id", "live", "-e", "print one\nwarn two\nwait\nprint three"];
    const running = startHerojob(args, { env: bench.env });
    await running.shows("one");
    await running.shows("two");
    expect(running.stdout()).toBe("one\n");
    bench.runner.release("live");
    expect(await running.ended).toEqual({ code: 0, stdout: "one\nthree\n", stderr: "two\n" });
  });

  test("--follow of a job that showed nothing live gives its result at the end", async () => {
    expect(await run(["submit", "--follow", "-e", "quiet all at once"])).toMatchObject({
      stdout: "all at once",
    });
  });

  test("--wait-timeout ends the wait with 124 and says how to go on waiting", async () => {
    const { code, stdout, stderr } = await run([
      "submit",
      "--wait",
      "--wait-timeout",
      "0.2",
      "--id",
      "slow",
      "-e",
      "wait",
    ]);
    expect([code, stdout]).toEqual([124, ""]);
    expect(stderr).toContain("job slow has not ended after 200 ms and goes on");
    expect(stderr).toContain("herojob wait slow --runner web-1\n");
    const followed = await run(["submit", "--follow", "--wait-timeout", "0.2", "--id", "slow", "-e", "wait"]);
    expect(followed.code).toBe(124);
    const asked = ["submit", "--wait", "--wait-timeout", "0.2", "--id", "slow", "-e", "wait", "--json"];
    const asJson = await run(asked);
    expect(asJson.code).toBe(124);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ outcome: "exists", id: "slow", runner: "web-1" });
    bench.runner.release("slow");
    expect(await run(["wait", "slow"])).toMatchObject({ code: 0 });
  });

  test("says so when nobody serves the runner", async () => {
    const running = startHerojob(
      ["submit", "--wait", "--runner", "nobody", "--id", "lonely", "-e", "print x"],
      {
        env: bench.env,
      },
    );
    await running.shows("no process serves runner nobody at the moment; the job waits for one");
    await bench.api.cancel("lonely", { runner: "nobody" });
    expect((await running.ended).code).toBe(1);
  });

  test("says so when the process that had the job is gone, also when it went during the wait", async () => {
    const redis = connectRedis(bench.redis.url);
    const presence = new RedisPresence({ target: parseRedisUrl(bench.redis.url), runner: "dies" });
    const facts = { owner: "o", host: "h", pid: 1, version: "1", isolation: "group", signatures: "off" };
    await presence.beat({ ...facts, slots: 1, busy: 1, lastPollMs: 1 });
    await bench.api.submit({ runner: "dies", id: "orphan", payload: "x" });
    await redis.call("HSET", "hero:{dies}:job:orphan", "status", "started");
    const running = startHerojob(["wait", "orphan", "--runner", "dies"], { env: bench.env });
    // Redis knows for how many seconds nobody has read a key.
    const unread = (): Promise<unknown> => redis.call("OBJECT", "IDLETIME", "hero:{dies}:instance:o");
    await until(async () => (await unread()) !== 0, "nobody has read the heartbeat for a while");
    await until(async () => (await unread()) === 0, "herojob has looked at it");
    expect(running.stderr()).toBe("");
    await presence.leave("o");
    presence.close();
    await running.shows(
      "no process serves runner dies at the moment, and the one that had job orphan is gone",
    );
    running.signal("SIGINT");
    expect((await running.ended).code).toBe(130);
    redis.close();
  });

  test("without a terminal Ctrl-C ends the wait with 130, and the job goes on", async () => {
    const running = startHerojob(["submit", "--wait", "--id", "left", "-e", "print x\nwait"], {
      env: bench.env,
    });
    await started("left");
    running.signal("SIGINT");
    const { code, stdout, stderr } = await running.ended;
    expect([code, stdout]).toEqual([130, ""]);
    expect(stderr).toContain("stopped waiting, job left goes on");
    expect(await bench.api.status("left")).toMatchObject({ status: "started" });
    bench.runner.release("left");
    await bench.api.wait("left");
  });

  test("a wait outlives a restart of Redis", async () => {
    await using other = await openOther();
    const running = startHerojob(["submit", "--wait", "--id", "patient", "-e", "print x"], {
      env: other.env,
    });
    await other.waitedFor("patient");
    await other.redis.kill();
    await running.shows("trying again");
    await other.redis.start();
    await other.finish("patient", "survived\n");
    expect(await running.ended).toMatchObject({ code: 0, stdout: "survived\n" });
  });
});

/** Resolves when the job runs. */
function started(id: string): Promise<void> {
  const runs = (): Promise<boolean> =>
    bench.api.status(id, { runner: "web-1" }).then(
      ({ status }) => status === "started",
      () => false,
    );
  return until(runs, `job ${id} runs`);
}

/** A Redis with nobody at it, whose jobs are ended by hand. */
async function openOther() {
  const redis = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  const key = (name: string): string => `hero:{web-1}:${name}`;
  const connection = openConnection({ target: parseRedisUrl(redis.url), routeKey: key("queue") });
  return {
    redis,
    env: { HEROJOB_REDIS_URL: redis.url, HEROJOB_RUNNER: "web-1" },
    /** Stored, and somebody blocks until its end: a submission that is not answered yet is no wait. */
    waitedFor: (id: string) =>
      until(async () => {
        const stored = await connection.send(["EXISTS", key(`job:${id}`)]);
        return stored === 1 && / cmd=blmove /.test(String(await connection.send(["CLIENT", "LIST"])));
      }, "it is waited for"),
    finish: async (id: string, result: string) => {
      await connection.send([
        "HSET",
        key(`job:${id}`),
        "status",
        "finished",
        "result",
        result,
        "exit_code",
        "0",
      ]);
      await connection.send(["LPUSH", key(`reply:${id}`), "finished"]);
    },
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await redis.stop();
    },
  };
}

describe("wrong usage ends with 2 and one sentence with the next step", () => {
  test("no script, and none of the files that are named", async () => {
    const none = await run(["submit"]);
    expect([none.code, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toBe(
      "herojob: FILE: no script was given. Give a file, - for standard input, or -e SCRIPT.\n",
    );
    const gone = await run(["submit", "gone.hero"]);
    expect([gone.code, gone.stderr]).toEqual([
      2,
      'herojob: "gone.hero" cannot be read (ENOENT); a script on the command line goes behind -e\n',
    ]);
  });

  test("no runner", async () => {
    const { code, stderr } = await herojob(["submit", "-e", "x"], {
      env: { HEROJOB_REDIS_URL: bench.redis.url },
    });
    expect([code, stderr]).toEqual([
      2,
      "herojob: no runner was named; add --runner RUNNER, or set HEROJOB_RUNNER\n",
    ]);
  });

  test("a job file with a field that is none", async () => {
    await writeFile(file("typo.json"), JSON.stringify({ payload: "x", runner: "web-1", timout: 3 }));
    const { code, stderr } = await run(["submit", file("typo.json")]);
    expect([code, stderr]).toEqual([
      2,
      `herojob: ${JSON.stringify(file("typo.json"))}: "timout" is not a field of a job; take it out, or mend its name\n`,
    ]);
  });

  test("a job file that begins with a byte order mark, which is no script either", async () => {
    const text = `\ufeff${JSON.stringify({ runner: "web-1", payload: "print x" })}`;
    await writeFile(file("marked.json"), text);
    for (const [from, input] of [
      [file("marked.json"), ""],
      ["-", text],
    ] as const) {
      const { code, stdout, stderr } = await run(["submit", from], input);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain("begins with a byte order mark; store it as UTF-8 without one");
    }
  });

  test("a script that is not text", async () => {
    await writeFile(file("binary.hero"), Buffer.from([0xff, 0xfe, 0x00]));
    expect((await run(["submit", file("binary.hero")])).stderr).toContain('binary.hero" is not valid UTF-8');
  });
});

test("a Redis that is not there is exit code 3 and names the address", async () => {
  const { code, stderr } = await herojob([
    "submit",
    "-e",
    "x",
    "--runner",
    "r",
    "-r",
    "redis://:geheim@127.0.0.1:1",
  ]);
  expect(code).toBe(3);
  expect(stderr).toContain("Redis at redis://:***@127.0.0.1:1 is not reachable");
  expect(stderr).toContain("start it, or name another one with -r URL");
  expect(stderr).not.toContain("geheim");
});

test("a full Redis is exit code 3 and says how it gets room, not that it should be started", async () => {
  await using full = await startRedis({ args: ["--maxmemory", "100kb"] });
  const { code, stderr } = await herojob(["submit", "-e", "x", "--runner", "r", "-r", full.url]);
  expect(code).toBe(3);
  expect(stderr).toContain("refuses: OOM");
  expect(stderr).toContain("raise its maxmemory");
  expect(stderr).not.toContain("start it");
});
