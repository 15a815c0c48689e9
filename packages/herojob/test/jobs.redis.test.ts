/** Looking at jobs and acting on them: status, result, logs, wait, cancel, list, explain, retry. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openConnection, parseRedisUrl } from "@herorunner/job";
import { generateKey, receiptStatement, signReceipt } from "@herorunner/job/trust";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../../test/support/until.ts";
import { type Bench, openBench } from "./support/bench.ts";
import { herojobHere } from "./support/here.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  const jobs = {
    done: "print out\nwarn err",
    bad: "print part\nfail 3",
    late: "end timeout",
    running: "print a\nwarn b\nwait",
  };
  for (const [id, payload] of Object.entries(jobs))
    await bench.api.submit({ runner: "web-1", id, payload, callerId: "alice" });
  for (const id of ["done", "bad", "late"]) await bench.api.wait(id);
  await until(async () => (await bench.api.status("running")).status === "started", "the last one runs");
});
afterAll(() => bench.close());

const run = (...args: string[]): ReturnType<typeof herojobHere> => herojobHere(args, bench.env);
const file = (name: string): string => join(bench.folder, name);
const json = async (...args: string[]): Promise<unknown> => JSON.parse((await run(...args, "--json")).stdout);

/** One command, as somebody else would send it. */
async function inRedis(...words: string[]): Promise<void> {
  const redis = openConnection({ target: parseRedisUrl(bench.redis.url), routeKey: "" });
  await redis.send(words);
  redis.close();
}

test("status is one line that a script can compare", async () => {
  expect(await run("status", "done")).toEqual({ code: 0, stdout: "finished\n", stderr: "" });
  expect((await run("status", "bad")).stdout).toBe("error exit_status\n");
  expect(await json("status", "running")).toMatchObject({
    id: "running",
    status: "started",
    caller_id: "alice",
  });
});

test("result is what the job wrote, with the job's exit code", async () => {
  expect(await run("result", "done")).toEqual({ code: 0, stdout: "out\n", stderr: "err\n" });
  expect(await run("result", "bad")).toMatchObject({ code: 1, stdout: "part\n" });
  expect(await json("result", "bad")).toEqual({
    ...{ id: "bad", status: "error", reason: "exit_status", result: "part\n", stderr: "" },
    ...{ error: "scripted ended with exit code 3", exit_code: 3 },
  });
  const early = await run("result", "running");
  expect([early.code, early.stdout]).toEqual([5, ""]);
  expect(early.stderr).toContain("job running is started and has no result yet");
});

test("logs prints what is there, each stream where it belongs", async () => {
  // The live log comes in batches, a little after it was written.
  await until(async () => (await run("logs", "running")).stderr !== "", "its output shows");
  expect(await run("logs", "running")).toEqual({ code: 0, stdout: "a\n", stderr: "b\n" });
  expect(await json("logs", "running")).toMatchObject({
    entries: [
      { seq: 1, stream: "out", offset: 0, data: "a\n" },
      { seq: 2, stream: "err", offset: 0, data: "b\n" },
    ],
    ...{ next: 2, final: false },
  });
  const followed = await run("logs", "-f", "done", "--json");
  const entries: unknown[] = followed.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(entries).toMatchObject([{ data: "out\n" }, { data: "err\n" }]);
});

test("wait ends with 124 when its time is up", async () => {
  expect(await run("wait", "running", "--timeout", "0.1")).toMatchObject({ code: 124, stdout: "" });
  const { code, stdout } = await run("wait", "running", "--timeout", "0.1", "--json");
  expect([code, JSON.parse(stdout)]).toMatchObject([124, { id: "running", status: "started" }]);
});

test("a suggested command is one that a shell takes as it stands", async () => {
  await bench.api.submit({ runner: "nobody", id: "quoted", payload: "print x" });
  const url = `${bench.redis.url}?db=0`;
  const words = ["wait", "quoted", "--runner", "nobody", "--timeout", "0.1", "-r", url];
  const { stderr } = await herojobHere(words, {});
  expect(stderr).toContain(`herojob wait quoted --runner nobody -r '${url}'\n`);
  await bench.api.cancel("quoted", { runner: "nobody" });
});

test("cancel says what became of it", async () => {
  await bench.api.submit({ runner: "nobody", id: "queued", payload: "print x" });
  expect(await run("cancel", "queued", "--runner", "nobody")).toEqual({
    code: 0,
    stdout: "cancelled\n",
    stderr: "",
  });
  await bench.api.submit({ runner: "web-1", id: "cancel-me", payload: "wait" });
  await until(async () => (await bench.api.status("cancel-me")).status === "started", "it runs");
  expect(await run("cancel", "cancel-me")).toMatchObject({ code: 0, stdout: "requested\n" });
  expect(await bench.api.wait("cancel-me")).toMatchObject({ reason: "cancelled" });
  const late = await run("cancel", "cancel-me");
  expect([late.code, late.stderr]).toEqual([
    5,
    "herojob: job cancel-me is error already; there is nothing to cancel\n",
  ]);
});

test("list is a table, newest first, and a page of job views as JSON", async () => {
  const { stdout } = await run("list", "--caller", "alice");
  const rows = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
  expect(rows[0]).toEqual(["ID", "STATUS", "REASON", "RUNNER", "CALLER", "AGE", "TOOK"]);
  expect(rows.slice(1).map(([id, status, reason]) => [id, status, reason])).toEqual([
    ["running", "started", "-"],
    ["late", "error", "timeout"],
    ["bad", "error", "exit_status"],
    ["done", "finished", "-"],
  ]);
  const page = await json("list", "--status", "error", "--reason", "timeout");
  expect(page).toMatchObject({ jobs: [{ id: "late", status: "error" }], next_cursor: null });
  const first = await run("list", "--caller", "alice", "--limit", "1");
  const cursor = /--cursor (\S+)/.exec(first.stderr)?.[1] ?? "";
  expect((await run("list", "--caller", "alice", "--limit", "1", "--cursor", cursor)).stdout).toContain(
    "late",
  );
});

test("list looks on while it finds nothing, however many other jobs came since", async () => {
  await bench.api.submit({ runner: "busy", id: "needle", payload: "print x" });
  const redis = openConnection({ target: parseRedisUrl(bench.redis.url), routeKey: "" });
  const others = Array.from({ length: 5_000 }, (_, n) => [String(n + 10), `other-${n}`]).flat();
  await redis.send(["ZADD", "hero:{busy}:recent", ...others, "1", "needle"]);
  redis.close();
  const { stdout, stderr } = await run("list", "--runner", "busy", "--status", "queued");
  expect([stdout.split("\n")[1], stderr]).toEqual([expect.stringMatching(/^needle +queued/), ""]);
});

test("a job that is not there is exit code 4, with the next step", async () => {
  expect(await run("status", "gone")).toMatchObject({ code: 4, stdout: "" });
  const { stderr } = await herojobHere(["status", "gone"], { HEROJOB_REDIS_URL: bench.redis.url });
  expect(stderr).toContain("name the runner with --runner RUNNER");
});

test("a key that holds something else than a job is exit code 4, and named", async () => {
  await inRedis("SET", "hero:{web-1}:job:text", "x");
  const { code, stderr } = await run("explain", "text", "--runner", "web-1");
  expect([code, stderr]).toEqual([
    4,
    "herojob: the key hero:{web-1}:job:text is no job: it holds something else than a hash\n",
  ]);
});

describe("explain", () => {
  test("a failed job: what it said, what that means, who acts, and one command", async () => {
    const { code, stdout } = await run("explain", "late");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^job late of runner web-1 ended as error: timeout\n/);
    expect(stdout).toContain(
      "what it means     The job ran longer than its timeout; its processes were ended.\n",
    );
    expect(stdout).toContain("who can act       submitter\n");
    expect(stdout).toContain("command           herojob retry late --runner web-1 --timeout 120 --wait\n");
    expect(await json("explain", "late")).toMatchObject({
      reason: "timeout",
      actor: "submitter",
      error: "ended as the script says",
    });
  });

  test("the command it names works as it stands", async () => {
    const { command } = (await json("explain", "bad")) as { command: string };
    const words = command.split(" ");
    expect(words.shift()).toBe("herojob");
    const again = await run(...words);
    expect([again.code, again.stdout]).toEqual([1, "part\n"]);
  });

  test("so does the one for a signed job, once the key is filled in", async () => {
    await run("keygen", "--name", "erin", "--out", file("erin.key"));
    const sign = ["--key", file("erin.key")];
    const scripts = { "signed-bad": "print part\nfail 3", "signed-late": "end timeout" };
    for (const [id, payload] of Object.entries(scripts)) {
      await run("submit", "--wait", "--id", id, ...sign, "-e", payload);
      const { command } = (await json("explain", id)) as { command: string };
      expect(command).toMatch(/^herojob retry signed-\w+ --runner web-1 --key KEY_FILE /);
      const words = command.replace("KEY_FILE", file("erin.key")).split(" ").slice(1);
      expect((await run(...words)).stderr).toContain("ended as error");
    }
    await run("submit", "--id", "signed-queued", "--runner", "idle", ...sign, "-e", "print x");
    await run("cancel", "signed-queued", "--runner", "idle");
    const { command } = (await json("explain", "signed-queued", "--runner", "idle")) as { command: string };
    expect(command).toContain(" --key KEY_FILE");
  });

  test("a job ended by force: what was found and what was done", async () => {
    await bench.api.submit({ runner: "web-1", id: "killed", payload: "wait" });
    await until(async () => (await bench.api.status("killed")).status === "started", "it runs");
    await bench.api.cancel("killed");
    await bench.api.wait("killed");
    const { stdout } = await run("explain", "killed");
    expect(stdout).toContain("how it was ended  SIGTERM after 0 ms, all gone after 20 ms\n");
    expect(stdout).toContain("processes found   sleep (pid 4711, found by group)\n");
    expect(stdout).toContain("still alive       none\n");
    expect(await json("explain", "killed")).toMatchObject({ kill: { reason: "cancelled", survivors: [] } });
  });

  test("a job that waits: whether anybody serves its runner", async () => {
    await bench.api.submit({ runner: "idle", id: "waits", payload: "print x" });
    const { stdout } = await run("explain", "waits", "--runner", "idle");
    expect(stdout).toContain("No process serves runner idle at the moment.");
    expect(stdout).toContain("herorunner idle\n");
    expect(stdout).toContain("never started");
  });

  test.each([
    ["started", "was running when its runner went away", "ends the job as runner_lost"],
    ["dispatched", "was taken and not started when its runner went away", "puts the job back into the queue"],
  ])("a job that is %s where no process serves its runner any more", async (status, state, next) => {
    await bench.api.submit({ runner: "lost", id: `left-${status}`, payload: "print x" });
    await inRedis("HSET", `hero:{lost}:job:left-${status}`, "status", status);
    const { stdout } = await run("explain", `left-${status}`, "--runner", "lost");
    expect(stdout).toContain(`job left-${status} of runner lost ${state}\n`);
    expect(stdout).toContain("No process serves runner lost at the moment");
    expect(stdout).toContain(next);
    expect(stdout).toContain("command           herorunner lost");
  });

  test("jobs that run, are done, or were only stored", async () => {
    expect((await run("explain", "running")).stdout).toContain("is running\n");
    expect((await run("explain", "done")).stdout).toContain("is finished\n");
    await bench.api.submit({ runner: "web-1", id: "stored", payload: "print x" }, { mode: "create" });
    expect((await run("explain", "stored")).stdout).toContain("is stored and not queued\n");
  });
});

describe("retry", () => {
  test("submits the same as a new job, with changes where they are asked for", async () => {
    await bench.api.submit({
      runner: "web-1",
      id: "first",
      payload: "env A\nenv B",
      envVars: { A: "1", B: "2" },
      timeoutSeconds: 7,
    });
    const again = await json("retry", "first", "--wait", "--env", "B=3", "--new-id", "second");
    expect(again).toMatchObject({ id: "second", retry_of: "first", result: "1\n3\n", timeout: 7 });
    expect(await run("retry", "first", "--new-id", "first")).toMatchObject({ code: 2 });
  });

  test("asks for a key when the job was signed", async () => {
    await run("keygen", "--name", "alice", "--out", file("retry.key"));
    await run("submit", "--wait", "--id", "signed", "--key", file("retry.key"), "-e", "print x");
    const without = await run("retry", "signed");
    expect([without.code, without.stderr]).toEqual([
      2,
      "herojob: job signed was signed, and a signature is good for one job; sign the new one with --key FILE\n",
    ]);
    expect(await run("retry", "signed", "--key", file("retry.key"), "--wait")).toMatchObject({
      code: 0,
      stdout: "x\n",
    });
  });

  test("signs for another audience where one is named, else for the one the job was for", async () => {
    const key = ["--key", file("retry.key")];
    await run("submit", "--wait", "--id", "for-lab", ...key, "--audience", "lab", "-e", "print x");
    await run("retry", "for-lab", ...key, "--new-id", "for-prod", "--audience", "prod", "--wait");
    await run("retry", "for-lab", ...key, "--new-id", "for-lab-again", "--wait");
    const redis = openConnection({ target: parseRedisUrl(bench.redis.url), routeKey: "" });
    const audienceOf = async (id: string): Promise<unknown> =>
      String(await redis.send(["HGET", `hero:{web-1}:job:${id}`, "audience"]));
    expect([await audienceOf("for-prod"), await audienceOf("for-lab-again")]).toEqual(["prod", "lab"]);
    redis.close();
  });

  test("signs nothing that the key did not sign before, unless told to", async () => {
    await run("keygen", "--name", "mallory", "--out", file("other.key"));
    const foreign = await run("retry", "signed", "--key", file("other.key"));
    expect(foreign.code).toBe(2);
    expect(foreign.stderr).toContain(
      "carries no signature of mallory, so nothing proves that what is stored is what was asked for",
    );
    expect(await run("retry", "done", "--key", file("other.key"))).toMatchObject({ code: 2 });
    expect(await run("retry", "done", "--key", file("other.key"), "--as-stored", "--wait")).toMatchObject({
      code: 0,
    });
  });

  test("signs nothing that was changed after it was signed", async () => {
    await writeFile(file("script.hero"), "print honest");
    await run("submit", "--wait", "--id", "tampered", "--key", file("retry.key"), file("script.hero"));
    const redis = openConnection({ target: parseRedisUrl(bench.redis.url), routeKey: "" });
    await redis.send(["HSET", "hero:{web-1}:job:tampered", "payload", "print evil"]);
    redis.close();
    const { code, stderr } = await run("retry", "tampered", "--key", file("retry.key"));
    expect([code, stderr]).toEqual([
      2,
      "herojob: signature 1 does not hold: the job was changed after it was signed; start anew\n",
    ]);
  });
});

describe("receipt", () => {
  const key = generateKey("web-1");
  const hash = async (...command: string[]): Promise<void> => {
    const redis = openConnection({ target: parseRedisUrl(bench.redis.url), routeKey: "" });
    await redis.send(command);
    redis.close();
  };

  beforeAll(async () => {
    const job = await bench.api.request("done");
    const output = { stdout: "out\n", stderr: "err\n", stdoutBytes: 4, stderrBytes: 4, droppedBytes: 0 };
    const facts = { outcome: { kind: "finished" as const, output }, attempt: 1, signers: [] };
    const statement = receiptStatement(job, { ...facts, startedAtMs: 1, finishedAtMs: 2 });
    await hash("HSET", "hero:{web-1}:job:done", "receipt", await signReceipt(statement, key));
  });

  test("of a job: its signature, its key, and that the record says the same", async () => {
    const { code, stdout } = await run("receipt", "verify", "done", "--public-key", key.publicKey);
    expect([code, stdout]).toEqual([
      0,
      `ok signature: of ${key.publicKey}\nok key: is one that you named\nok record: says the same\n`,
    ]);
    expect((await run("receipt", "get", "done")).stdout).toContain(key.publicKey);
  });

  test("shows a record that was changed afterwards", async () => {
    await hash("HSET", "hero:{web-1}:job:done", "result", "forged\n");
    const { code, stdout } = await run("receipt", "verify", "done", "--public-key", key.publicKey);
    await hash("HSET", "hero:{web-1}:job:done", "result", "out\n");
    expect(code).toBe(1);
    expect(stdout).toContain("FAIL record: the result in the record");
  });

  test("of a job without one is exit code 5", async () => {
    const { code, stderr } = await run("receipt", "get", "bad");
    expect([code, stderr]).toEqual([5, "herojob: job bad has no receipt: its runner has no --receipt-key\n"]);
    await hash(
      "HSET",
      "hero:{web-1}:job:gone",
      ...["payload", "x", "status", "error", "reason", "runner_lost", "attempt", "1"],
    );
    await hash("HSET", "hero:{web-1}:job:no", ...["payload", "x", "status", "error", "reason", "unsigned"]);
    const told = async (id: string) => (await run("receipt", "get", id, "--runner", "web-1")).stderr;
    expect(await told("gone")).toContain("no receipt: its runner was lost before its end\n");
    expect(await told("no")).toContain("no receipt: it was never started\n");
  });
});
