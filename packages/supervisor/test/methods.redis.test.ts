/** Every method, through HTTP, on a real Redis. The harness holds each result to the schema of its method. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readJobFields } from "@herorunner/job";
import { mustStillHold, signedParams } from "./support/signed.ts";
import { until } from "../../../test/support/until.ts";
import { adminSecret, type Harness, type Served, type StandIn, startHarness } from "./support/harness.ts";

let harness: Harness;
let one: Served;
let other: Served;

beforeAll(async () => {
  harness = await startHarness();
  [one, other] = await Promise.all([harness.serve(), harness.serve()]);
});
afterAll(() => harness.stop());

/** A registered runner of its own for each test. */
async function setup(): Promise<{ readonly runner: StandIn; readonly id: string }> {
  const runner = harness.runner();
  await one.call("runner.register", { id: runner.id });
  return { runner, id: runner.id };
}

describe("supervisor.info", () => {
  it("tells version, prefix and Redis, and no address", async () => {
    const info = await one.call("supervisor.info", {});
    expect(info).toMatchObject({
      protocol: 1,
      key_prefix: "hero:",
      redis: { kind: "unix", reachable: true },
    });
    expect(JSON.stringify(info)).not.toContain(".sock");
  });
});

describe("runners", () => {
  it("are registered once, keep what a second registration leaves out, and are listed by id", async () => {
    const { id } = await setup();
    await one.call("runner.register", { id, description: "first", labels: { zone: "a" } });
    const again = await other.call("runner.register", { id, description: "second" });
    expect(again).toMatchObject({ id, description: "second", labels: { zone: "a" }, alive: false });
    const { runners } = await one.call("runner.list", {});
    const ids = runners.map((runner) => runner.id);
    expect(ids.filter((each) => each === id)).toHaveLength(1);
    expect(ids).toEqual([...ids].sort());
  });

  it("are alive while a process says so, and show it", async () => {
    const { runner, id } = await setup();
    await runner.appear();
    expect(await other.call("runner.get", { id })).toMatchObject({
      alive: true,
      instances: [{ owner: "stand-in", host: "here", pid: 7, slots: 2, busy: 0, last_poll_ms: 12 }],
    });
    await runner.leave();
    expect(await other.call("runner.get", { id })).toMatchObject({ alive: false, instances: [] });
  });

  it("are pinged for a real answer; without a process there is none", async () => {
    const { runner, id } = await setup();
    await runner.appear();
    await until(async () => {
      const [, count] = (await harness.redis.send(["PUBSUB", "NUMSUB", runner.keys.control])) as [
        unknown,
        number,
      ];
      return count === 1;
    }, "the runner listens");
    const answer = await one.call("runner.ping", { id });
    expect(answer).toMatchObject({ id, alive: true });
    expect(answer.round_trip_ms).toBeLessThan(2_000);
    const { id: nobody } = await setup();
    expect(await one.call("runner.ping", { id: nobody })).toEqual({ id: nobody, alive: false });
  });

  it("are paused and resumed through their settings, by either supervisor", async () => {
    const { runner, id } = await setup();
    expect(await one.call("runner.pause", { id })).toMatchObject({ paused: true });
    expect(String(await harness.redis.send(["HGET", runner.keys.settings, "paused"]))).toBe("1");
    expect(await other.call("runner.get", { id })).toMatchObject({ paused: true });
    expect(await other.call("runner.resume", { id })).toMatchObject({ paused: false });
    expect(await one.call("runner.get", { id })).toMatchObject({ paused: false });
  });

  it("are removed, but not while jobs wait unless forced", async () => {
    const { id } = await setup();
    const { id: job } = await one.call("job.run", { runner: id, payload: "x" });
    expect(await one.fail("runner.remove", { id })).toMatchObject({
      code: -32009,
      data: { reason: "jobs_wait" },
    });
    expect(await one.call("runner.remove", { id, force: true })).toEqual({ removed: true });
    expect(await one.call("runner.remove", { id, force: true })).toEqual({ removed: false });
    expect(await one.call("job.get", { id: job })).toMatchObject({ status: "queued" });
  });

  it("that are alive without being registered are shown, for jobs are queued for them too", async () => {
    const runner = harness.runner();
    await runner.appear();
    expect(await one.call("runner.get", { id: runner.id })).toMatchObject({ id: runner.id, alive: true });
    await runner.leave();
    expect((await one.fail("runner.get", { id: runner.id })).data["reason"]).toBe("runner_not_found");
  });

  it("that nobody registered are not found, whatever is asked of them", async () => {
    for (const method of ["runner.get", "runner.ping", "runner.pause", "runner.resume"]) {
      const { code, data } = await one.fail(method, { id: "nobody" });
      expect([code, data["reason"]]).toEqual([-32004, "runner_not_found"]);
    }
    const { code, data } = await one.fail("job.create", { runner: "nobody", payload: "x" });
    expect([code, data["reason"]]).toEqual([-32004, "runner_not_found"]);
    expect(data["hint"]).toContain("runner.register");
  });

  it("that are alive without being registered take jobs", async () => {
    const runner = harness.runner();
    await runner.appear();
    expect(await one.call("job.run", { runner: runner.id, payload: "x" })).toMatchObject({
      status: "queued",
    });
  });

  it("that two callers describe at the same moment have what both of them said", async () => {
    for (const { id } of Array.from({ length: 10 }, () => harness.runner())) {
      await Promise.all([
        one.call("runner.register", { id, description: "said here" }),
        other.call("runner.register", { id, labels: { said: "there" } }),
        one.call("runner.register", { id }),
      ]);
      expect(await one.call("runner.get", { id })).toMatchObject({
        ...{ description: "said here", labels: { said: "there" } },
      });
    }
  });
});

describe("job.create and job.start", () => {
  it("store a job without queueing it, then queue it once", async () => {
    const { runner, id } = await setup();
    const created = await one.call("job.create", { runner: id, payload: "print(1)", id: `${id}-a` });
    expect(created).toEqual({ id: `${id}-a`, runner: id, outcome: "created", status: "created" });
    expect(await harness.redis.send(["LLEN", runner.keys.queue])).toBe(0);
    expect(await other.call("job.start", { id: created.id })).toMatchObject({ status: "queued" });
    expect(await harness.redis.send(["LLEN", runner.keys.queue])).toBe(1);
    expect(await one.fail("job.start", { id: created.id })).toMatchObject({
      ...{ code: -32011, data: { reason: "not_created" } },
    });
  });

  it("say that a job exists, and refuse its id for other content, on both supervisors", async () => {
    const { id: runner } = await setup();
    const job = { runner, payload: "x", id: `${runner}-same`, env_vars: { A: "1", B: "2" }, timeout: 5 };
    expect(await one.call("job.create", job)).toMatchObject({ outcome: "created" });
    expect(await other.call("job.create", { ...job, env_vars: { B: "2", A: "1" } })).toMatchObject({
      outcome: "exists",
    });
    for (const change of [{ payload: "y" }, { env_vars: { A: "1" } }, { timeout: 6 }, { caller_id: "bob" }]) {
      expect(await other.fail("job.create", { ...job, ...change })).toMatchObject({ code: -32009 });
    }
  });

  it("leave it to job.run to queue a job that was only created, once, and never one with other content", async () => {
    const { runner, id } = await setup();
    const job = { runner: id, payload: "x", id: `${id}-created` };
    await one.call("job.create", job);
    expect(await one.fail("job.run", { ...job, payload: "y" })).toMatchObject({ code: -32009 });
    expect(await harness.redis.send(["LLEN", runner.keys.queue])).toBe(0);
    const run = await other.call("job.run", job);
    expect(run).toMatchObject({ outcome: "exists", status: "queued" });
    expect(run.queued_at).toBeGreaterThan(0);
    expect(await one.call("job.run", job)).toMatchObject({ outcome: "exists", status: "queued" });
    expect(await one.call("job.create", job)).toMatchObject({ outcome: "exists", status: "queued" });
    expect(await harness.redis.send(["LLEN", runner.keys.queue])).toBe(1);
  });

  it("agree when many callers create one job at once through two supervisors", async () => {
    const { runner, id } = await setup();
    const job = { runner: id, payload: "x", id: `${id}-race` };
    const calls = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : other).call("job.run", job));
    const outcomes = (await Promise.all(calls)).map((answer) => answer.outcome);
    expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
    expect(await harness.redis.send(["LLEN", runner.keys.queue])).toBe(1);
  });

  it("store every field as the wire protocol has it", async () => {
    const { runner, id } = await setup();
    await one.call("job.create", {
      ...{ runner: id, id: `${id}-all`, payload: "p", caller_id: "c", context_id: "x", executor: "hero" },
      ...{
        timeout: 9,
        max_attempts: 3,
        env_vars: { __proto__x: "1" },
        created_at: 5,
        expires_at: 6,
        audience: "a",
      },
    });
    const flat = ((await harness.redis.send(["HGETALL", runner.keys.job(`${id}-all`)])) as Buffer[]).map(
      String,
    );
    const fields = Object.fromEntries(
      flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : [])),
    );
    expect(fields).toMatchObject({
      ...{ id: `${id}-all`, runner: id, payload: "p", caller_id: "c", context_id: "x", executor: "hero" },
      ...{ timeout: "9", max_attempts: "3", env_vars: '{"__proto__x":"1"}' },
      ...{ created_at: "5", expires_at: "6", audience: "a", status: "created" },
    });
  });

  it("keep a variable called __proto__", async () => {
    const { id: runner } = await setup();
    const body = `{"jsonrpc":"2.0","id":1,"method":"job.create","params":{"runner":"${runner}","payload":"x","id":"${runner}-p","env_vars":{"__proto__":"v"}}}`;
    expect((await one.post(body)).body.error).toBeUndefined();
    expect(await one.call("job.get", { id: `${runner}-p` })).toMatchObject({ env_names: ["__proto__"] });
  });

  it.each([
    ["payload", { payload: "" }],
    ["timeout", { timeout: 0 }],
    ["timeout", { timeout: 1.5 }],
    ["timeout", { timeout: "60" }],
    ["env_vars", { env_vars: { A: 1 } }],
    ["env_vars", { env_vars: ["A"] }],
    ["env_vars", { env_vars: { "bad name": "1" } }],
    ["max_attempts", { max_attempts: 11 }],
    ["id", { id: "a\r\nSET x 1" }],
    ["runner", { runner: "{*}" }],
    ["trace", { trace: "nonsense" }],
    ["env", { env: { A: "1" } }],
  ])("refuse a bad %s with its name", async (name, change) => {
    const { id: runner } = await setup();
    const { code, message } = await one.fail("job.create", { runner, payload: "x", ...change });
    expect(code).toBe(-32602);
    expect(message).toContain(name);
  });
});

describe("job.run", () => {
  it("answers at once without wait, and with the result when it waits", async () => {
    const { runner, id } = await setup();
    expect(await one.call("job.run", { runner: id, payload: "x" })).toMatchObject({
      outcome: "created",
      status: "queued",
    });
    await runner.finish("first\n");
    const waiting = one.call("job.run", { runner: id, payload: "y", wait: 20 });
    await runner.finish("second\n");
    expect(await waiting).toMatchObject({ status: "finished", result: "second\n", attempt: 1 });
  });

  it("answers with the job as it is when the time is up, and leaves it alone", async () => {
    const { id } = await setup();
    const answer = await one.call("job.run", { runner: id, payload: "x", wait: 0.2 });
    expect(answer).toMatchObject({ status: "queued" });
    expect(await one.call("job.status", { id: answer.id })).toEqual({ id: answer.id, status: "queued" });
  });

  it("ends its wait when the caller is gone", async () => {
    const { id } = await setup();
    const before = await clients();
    const gone = new AbortController();
    const call = fetch(`${one.url}/rpc`, {
      method: "POST",
      headers: { Authorization: "Bearer an admin secret for tests only", "Content-Type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "job.run",
        params: { runner: id, payload: "x", wait: 60 },
      }),
      signal: gone.signal,
    });
    call.catch(() => undefined);
    await until(async () => (await clients()) > before, "the wait has its connection");
    gone.abort();
    await until(async () => (await clients()) <= before, "the wait's connection is closed");
  });

  async function clients(): Promise<number> {
    const list = String(await harness.redis.send(["CLIENT", "LIST"]));
    return list.trim().split("\n").length;
  }
});

describe("reading jobs", () => {
  it("shows a job, its state, its result and never the values of its variables", async () => {
    const { runner, id } = await setup();
    const { id: job } = await one.call("job.run", {
      runner: id,
      payload: "p",
      env_vars: { TOKEN: "hunter2" },
    });
    await runner.finish("out\n");
    const view = await other.call("job.get", { id: job });
    expect(view).toMatchObject({
      status: "finished",
      result: "out\n",
      env_names: ["TOKEN"],
      payload: "p",
      exit_code: 0,
    });
    expect(JSON.stringify(view)).not.toContain("hunter2");
    expect(await one.call("job.status", { id: job })).toEqual({ id: job, status: "finished" });
    expect(await one.call("job.result", { id: job })).toEqual({
      ...{ id: job, status: "finished", result: "out\n", stderr: "", exit_code: 0 },
    });
  });

  it("finds jobs that were pushed by hand, while they wait, when they ran, and in the list", async () => {
    const { runner, id } = await setup();
    const job = `${id}-by-hand`;
    await harness.redis.send(["HSET", runner.keys.job(job), "payload", "x"]);
    await harness.redis.send(["LPUSH", runner.keys.queue, job]);
    expect(await one.call("job.get", { id: job })).toMatchObject({ runner: id, status: "queued" });
    expect((await one.call("job.list", { runner: id })).jobs).toMatchObject([{ id: job, status: "queued" }]);
    await runner.finish("done\n");
    expect((await other.call("job.list", {})).jobs).toContainEqual(
      expect.objectContaining({ id: job, status: "finished" }),
    );
  });

  it("asks for the runner where two have a job of one id", async () => {
    const [a, b] = [await setup(), await setup()];
    for (const { runner } of [a, b]) {
      await harness.redis.send(["HSET", runner.keys.job("twin"), "payload", runner.id]);
    }
    expect(await one.fail("job.get", { id: "twin" })).toMatchObject({
      code: -32009,
      data: { reason: "ambiguous" },
    });
    expect(await one.call("job.get", { id: "twin", runner: b.id })).toMatchObject({ payload: b.id });
  });

  it("answers -32004 for jobs that are not there", async () => {
    for (const method of [
      "job.get",
      "job.status",
      "job.result",
      "job.logs",
      "job.cancel",
      "job.start",
      "job.retry",
    ]) {
      expect(await one.fail(method, { id: "no-such-job" })).toMatchObject({
        code: -32004,
        data: { reason: "job_not_found" },
      });
    }
  });

  it("takes what clients wrote into system fields as it comes", async () => {
    const { runner, id } = await setup();
    await harness.redis.send([
      ...[
        "HSET",
        runner.keys.job("odd"),
        "payload",
        "x",
        "status",
        "sideways",
        "attempt",
        "-1",
        "exit_code",
        "1e9",
      ],
      ...[
        "reason",
        "because",
        "signers",
        "{",
        "kill",
        "[]",
        "env_vars",
        "nonsense",
        "timeout",
        "99999999999",
      ],
    ]);
    expect(await one.call("job.get", { id: "odd", runner: id })).toMatchObject({
      status: "queued",
      env_names: [],
    });
    await harness.redis.send(["SET", runner.keys.job("text"), "x"]);
    expect(await one.fail("job.get", { id: "text", runner: id })).toMatchObject({ code: -32004 });
  });
});

describe("job.list", () => {
  it("pages through all jobs, newest first, with filters", async () => {
    const { runner, id } = await setup();
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1) {
      const caller_id = n % 2 === 0 ? "even" : "odd";
      made.push((await one.call("job.run", { runner: id, payload: "x", id: `${id}-${n}`, caller_id })).id);
    }
    await runner.finish("done");
    const seen: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page = await other.call("job.list", {
        runner: id,
        limit: 3,
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...page.jobs.map((job) => job.id));
      cursor = page.next_cursor;
    }
    expect([...seen].sort()).toEqual(made);
    const ids = async (filter: object) =>
      (await one.call("job.list", { runner: id, ...filter })).jobs.map((job) => job.id);
    expect(await ids({ status: "finished" })).toEqual([made[0]]);
    expect((await ids({ caller_id: "odd" })).sort()).toEqual([made[1], made[3], made[5]]);
    expect(await ids({ since: Date.now() + 60_000 })).toEqual([]);
    expect(await one.fail("job.list", { cursor: "!" })).toMatchObject({ code: -32602 });
    expect(await one.fail("job.list", { limit: 1001 })).toMatchObject({ code: -32602 });
  });

  it("never walks the keyspace", async () => {
    await setup();
    await harness.redis.send(["CONFIG", "RESETSTAT"]);
    await one.call("job.list", {});
    const stats = String(await harness.redis.send(["INFO", "commandstats"]));
    expect(stats).toContain("cmdstat_zrange");
    expect(stats).not.toMatch(/cmdstat_(keys|scan|hscan|zscan|sscan):/);
  });
});

describe("job.logs", () => {
  it("gives entries in order, from any place, and says when that was all", async () => {
    const { runner, id } = await setup();
    const { id: job } = await one.call("job.run", { runner: id, payload: "x" });
    const claim = await runner.take();
    const lines = Array.from({ length: 5 }, (_, n) => ({
      stream: "out" as const,
      offset: n * 2,
      data: `${n}\n`,
    }));
    await runner.queue.appendLog(claim, lines);
    const first = await one.call("job.logs", { id: job, limit: 3 });
    expect(first).toMatchObject({ next: 3, final: false });
    expect(first.entries.map((entry) => entry.data)).toEqual(["0\n", "1\n", "2\n"]);
    const output = { stdout: "", stderr: "", stdoutBytes: 0, stderrBytes: 0, droppedBytes: 0 };
    await runner.queue.settle(claim, { kind: "finished", output });
    expect(await other.call("job.logs", { id: job, after: 3, limit: 1 })).toMatchObject({
      next: 4,
      final: false,
    });
    expect(await other.call("job.logs", { id: job, after: 3 })).toMatchObject({ next: 5, final: true });
    expect(await other.call("job.logs", { id: job, after: 5 })).toEqual({
      entries: [],
      next: 5,
      final: true,
    });
  });
});

describe("job.cancel, job.delete and job.retry", () => {
  it("cancel a waiting job at once, ask for a running one, and leave a final one as it is", async () => {
    const { runner, id } = await setup();
    const { id: waiting } = await one.call("job.run", { runner: id, payload: "x" });
    expect(await one.call("job.cancel", { id: waiting })).toMatchObject({
      status: "error",
      reason: "cancelled",
    });
    const { id: running } = await one.call("job.run", { runner: id, payload: "y" });
    const claim = await runner.take();
    expect(await other.call("job.cancel", { id: running })).toMatchObject({ status: "started" });
    expect(await runner.queue.renew([claim])).toEqual(["cancel"]);
    expect(await other.call("job.cancel", { id: waiting })).toMatchObject({
      status: "error",
      reason: "cancelled",
    });
  });

  it("delete a job that nobody has, with its log and its place in the list", async () => {
    const { runner, id } = await setup();
    const { id: waits } = await one.call("job.run", { runner: id, payload: "x" });
    expect(await one.call("job.delete", { id: waits })).toEqual({ deleted: true });
    expect(await one.call("job.delete", { id: waits })).toEqual({ deleted: false });
    expect(await one.call("job.list", { runner: id })).toEqual({ jobs: [], next_cursor: null });
    const { id: runs } = await one.call("job.run", { runner: id, payload: "x" });
    await runner.take();
    expect(await one.fail("job.delete", { id: runs })).toMatchObject({
      code: -32009,
      data: { reason: "runs" },
    });
  });

  it("retry a final job under a new id, with everything it had", async () => {
    const { runner, id } = await setup();
    const request = {
      runner: id,
      payload: "p",
      env_vars: { A: "v" },
      timeout: 7,
      caller_id: "alice",
      max_attempts: 2,
    };
    const { id: job } = await one.call("job.run", request);
    expect(await one.fail("job.retry", { id: job })).toMatchObject({
      code: -32011,
      data: { reason: "not_final" },
    });
    await one.call("job.cancel", { id: job });
    const retried = await one.call("job.retry", { id: job });
    expect(retried).toMatchObject({ retry_of: job, status: "queued" });
    expect(retried.id).not.toBe(job);
    expect(await one.call("job.get", { id: retried.id })).toMatchObject({
      ...{ payload: "p", env_names: ["A"], timeout: 7, caller_id: "alice", max_attempts: 2 },
    });
    expect(String(await harness.redis.send(["HGET", runner.keys.job(retried.id), "env_vars"]))).toBe(
      '{"A":"v"}',
    );
  });

  it("do not retry a signed job, and say how its signer can", async () => {
    const { runner, id } = await setup();
    const signed = await signedParams({ runner: id, payload: "p", envVars: { A: "v" } });
    const { id: job } = await one.call("job.run", signed);
    await mustStillHold((await readJobFields(harness.redis, runner.keys, job))!, { id: job, runner: id });
    await one.call("job.cancel", { id: job });
    const { code, data } = await one.fail("job.retry", { id: job });
    expect([code, data["reason"]]).toEqual([-32011, "signed"]);
    expect(data["command"]).toBe(
      `herojob submit --runner ${id} --key KEY_FILE --audience default --timeout 60 --env A=VALUE script.hero`,
    );
  });
});

describe("while Redis is away", () => {
  it("calls fail with -32603 unavailable, readiness says so, and it goes on by itself", async () => {
    const away = await startHarness();
    const served = await away.serve();
    await served.call("runner.register", { id: "r" });
    await away.server.kill();
    const { code, data, message } = await served.fail("runner.list", {});
    expect([code, data["reason"]]).toEqual([-32603, "unavailable"]);
    expect(message).not.toContain(away.server.socketPath);
    expect((await served.get("/readyz")).status).toBe(503);
    expect((await served.get("/healthz")).status).toBe(200);
    await away.server.start();
    await until(async () => (await served.get("/readyz")).status === 200, "it is ready again");
    expect(await served.call("runner.list", {})).toEqual({ runners: [] });
    await away.stop();
  });
});

describe("while Redis is full", () => {
  it("no job is taken in; one can sign in, runners and jobs are shown, and what is final can be deleted", async () => {
    const full = await startHarness();
    const served = await full.serve();
    const runner = full.runner();
    const { id } = runner;
    await served.call("runner.register", { id });
    await runner.appear();
    await served.call("job.run", { runner: id, id: "done", payload: "p" });
    await runner.finish("ok\n");
    await full.redis.send(["CONFIG", "SET", "maxmemory", "1"]);
    const { code, data } = await served.fail("job.run", { runner: id, payload: "p" });
    expect([code, data["reason"]]).toEqual([-32603, "full"]);
    const signedIn = await fetch(`${served.url}/session`, {
      method: "POST",
      headers: { Authorization: `Bearer ${adminSecret}` },
    });
    expect(signedIn.status).toBe(200);
    expect(await served.call("runner.list", {})).toMatchObject({ runners: [{ id, alive: true }] });
    expect(await served.call("job.list", {})).toMatchObject({ jobs: [{ id: "done", status: "finished" }] });
    expect(await served.call("job.result", { id: "done" })).toMatchObject({ result: "ok\n" });
    expect(await served.call("job.delete", { id: "done" })).toEqual({ deleted: true });
    await full.stop();
  });
});
