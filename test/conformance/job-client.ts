/**
 * What JobApi means, for every client: over Redis and over a supervisor. Against a real Redis and a runner that does what
 * the payload says.
 */
import type { Job, JobApi } from "@herorunner/job";
import { generateKey, signJob, verifyJob, parseTrustFile } from "@herorunner/job/trust";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import { type ClientBench, codeOf } from "./client-bench.ts";
import { waitsAndLogs } from "./job-client-waits.ts";

export function jobClientSuite(name: string, open: () => Promise<ClientBench>): void {
  describe(`a client of jobs ${name}`, () => {
    let bench: ClientBench;
    let api: JobApi;
    let runner: string;
    beforeAll(async () => {
      bench = await open();
      api = bench.api;
      runner = bench.runner.runnerId;
    });
    afterAll(() => bench.close());

    waitsAndLogs(() => bench);

    test("submits, waits and gets the result", async () => {
      const { id, outcome } = await api.submit({ runner, payload: "print hello", callerId: "alice" });
      expect(outcome).toBe("created");
      const job = await api.wait(id);
      expect(job).toMatchObject({
        id,
        runner,
        status: "finished",
        result: "hello\n",
        exitCode: 0,
        attempt: 1,
      });
      expect(job).toMatchObject({ callerId: "alice", stdoutBytes: 6, payload: "print hello", envNames: [] });
      expect(await api.status(id)).toEqual({ id, status: "finished" });
      expect(await api.get(id, { runner })).toEqual(job);
    });

    test("hands over every field of a request, and shows names of variables without their values", async () => {
      const request = {
        ...{
          runner,
          payload: "env A",
          id: randomUUID(),
          callerId: "c",
          contextId: "x",
          executor: "scripted",
        },
        ...{ timeoutSeconds: 7, maxAttempts: 2, envVars: { A: "päß=1,2", __proto__x: "" } },
      };
      await api.submit(request);
      const job = await api.wait(request.id);
      expect(job).toMatchObject({ result: "päß=1,2\n", timeoutSeconds: 7, maxAttempts: 2, contextId: "x" });
      expect(job.envNames.toSorted()).toEqual(["A", "__proto__x"]);
      expect(JSON.stringify({ ...job, result: "" })).not.toContain("päß");
    });

    test("a failed job tells its reason, exit code, stderr and error", async () => {
      const { id } = await api.submit({ runner, payload: "print out\nwarn oh no\nfail 3" });
      const job = await api.wait(id);
      expect(job).toMatchObject({ status: "error", reason: "exit_status", exitCode: 3 });
      expect(job).toMatchObject({ result: "out\n", stderr: "oh no\n" });
      expect(job.error).toBe("scripted ended with exit code 3\noh no");
      expect(await api.status(id)).toEqual({ id, status: "error", reason: "exit_status" });
    });

    test("submitting the same again changes nothing; other content under the id is a conflict", async () => {
      const request = { runner, payload: "print once", id: randomUUID() };
      await api.submit(request);
      await api.wait(request.id);
      expect(await api.submit(request)).toMatchObject({ outcome: "exists", status: "finished" });
      expect(await codeOf(api.submit({ ...request, payload: "print twice" }))).toBe("CONFLICT");
      expect(await api.get(request.id)).toMatchObject({ result: "once\n", attempt: 1 });
    });

    test("a created job waits to be started, and is started once", async () => {
      const { id, status } = await api.submit({ runner, payload: "print now" }, { mode: "create" });
      expect(status).toBe("created");
      expect(await api.status(id)).toEqual({ id, status: "created" });
      await api.start(id);
      expect(await api.wait(id)).toMatchObject({ result: "now\n" });
      expect(await codeOf(api.start(id))).toBe("CONFLICT");
    });

    test("a created job that is submitted again has the dates of that request, and none of the first", async () => {
      const request = { runner: bench.idle, payload: "print never", id: randomUUID() };
      const first = { expiresAtSeconds: Math.floor(Date.now() / 1000) + 60, audience: bench.idle };
      await api.submit({ ...request, ...first }, { mode: "create" });
      await api.submit(request);
      const job = await api.get(request.id);
      expect(job.status).toBe("queued");
      expect(job.expiresAtSeconds).toBeUndefined();
      await api.cancel(request.id, { runner: bench.idle });
    });

    test("a created job that is submitted again is started by that", async () => {
      const request = { runner, payload: "print later", id: randomUUID() };
      await api.submit(request, { mode: "create" });
      expect(await api.submit(request)).toMatchObject({ outcome: "exists" });
      expect(await api.wait(request.id)).toMatchObject({ result: "later\n", attempt: 1 });
    });

    test("a request that is no job is refused with the name of the field", async () => {
      await expect(api.submit({ runner, payload: "x", timeoutSeconds: 0 })).rejects.toThrow(/^timeout /);
      expect(await codeOf(api.submit({ runner: "not an id", payload: "x" }))).toBe("INVALID_JOB");
      expect(await codeOf(api.get("no/id", { runner }))).toBe("INVALID_JOB");
    });

    test("a job that is not there is NOT_FOUND for every verb", async () => {
      const id = randomUUID();
      const asked = [
        api.get(id),
        api.status(id),
        api.wait(id),
        api.cancel(id),
        api.start(id),
        api.request(id),
      ];
      const codes = await Promise.all(asked.map(codeOf));
      expect(new Set(codes).size).toBe(1);
      expect(codes[0]).toBe("NOT_FOUND");
      expect(await codeOf(api.get(id, { runner }))).toBe("NOT_FOUND");
      expect(await codeOf(api.logs(id, { runner }).next())).toBe("NOT_FOUND");
    });

    test("lists jobs, newest first, without what is long, by what they are", async () => {
      const callerId = `lister-${randomUUID().slice(0, 8)}`;
      const first = await api.submit({ runner, payload: "print 1", callerId });
      await api.wait(first.id);
      const second = await api.submit({ runner, payload: "fail 1", callerId });
      await api.wait(second.id);
      const { jobs } = await api.list({ runner, callerId });
      expect(jobs.map(({ id }) => id)).toEqual([second.id, first.id]);
      for (const job of jobs)
        for (const long of ["payload", "result", "stderr"]) expect(job).not.toHaveProperty(long);
      const failedOnes = await api.list({ runner, callerId, status: "error", reason: "exit_status" });
      expect(failedOnes.jobs.map(({ id }) => id)).toEqual([second.id]);
      const page = await api.list({ runner, callerId, limit: 1 });
      expect(page.jobs).toHaveLength(1);
      const next = await api.list({ runner, callerId, limit: 1, cursor: page.nextCursor ?? "" });
      expect([...page.jobs, ...next.jobs].map(({ id }) => id)).toEqual([second.id, first.id]);
      expect((await api.list({ runner, callerId, sinceMs: Date.now() + 60_000 })).jobs).toEqual([]);
      expect(await codeOf(api.list({ runner, cursor: "nonsense" }))).toBe("INVALID_JOB");
    });

    test("a page has 1 to 1000 jobs", async () => {
      for (const limit of [0, -1, 1.5, 1001]) {
        expect(await codeOf(api.list({ runner, limit }))).toBe("INVALID_JOB");
      }
    });

    test("says how a runner is served", async () => {
      expect(await api.runner(runner)).toMatchObject({ runner, alive: true, paused: false });
      const { id } = await api.submit({ runner: bench.idle, payload: "print never" });
      expect(await api.runner(bench.idle)).toMatchObject({ runner: bench.idle, alive: false, queued: 1 });
      await api.cancel(id);
      expect(await api.runner(`nobody-${randomUUID()}`)).toMatchObject({
        alive: false,
        queued: 0,
        running: 0,
      });
    });

    test("signs what is submitted, and gives back the job as it was asked for", async () => {
      const key = generateKey("alice");
      const nowSeconds = Math.floor(Date.now() / 1000);
      const { id } = await api.submit(
        { runner, payload: "print signed" },
        { sign: (job) => signJob(job, key, { nowSeconds }) },
      );
      await api.wait(id);
      const asked = await api.request(id);
      expect(asked).toMatchObject({
        id,
        runner,
        payload: "print signed",
        callerId: "alice",
        contextId: "default",
      });
      // A supervisor shows no signatures; where they are shown they hold.
      if (asked.signatures.length === 0) return;
      const parsed = parseTrustFile(
        JSON.stringify({ signers: [{ name: "alice", public_key: key.publicKey }] }),
      );
      if (!parsed.ok) throw new Error(parsed.problems.join());
      const verdict = verifyJob({ job: asked, unknownFields: [] }, { trust: parsed.trust }, { nowSeconds });
      expect(verdict).toMatchObject({ valid: true, signers: ["alice"] });
    });

    test("submits a final job again under a new id, its variables with it, unless it was signed", async () => {
      const envVars = { A: "secret" };
      const { id } = await api.submit({
        runner,
        payload: "env A",
        envVars,
        maxAttempts: 2,
        timeoutSeconds: 7,
      });
      expect((await api.wait(id)).result).toBe("secret\n");
      const again = await api.retry(id);
      expect(again).toMatchObject({ runner, outcome: "created" });
      expect(again.id).not.toBe(id);
      const job = await api.wait(again.id);
      expect(job).toMatchObject({ result: "secret\n", envNames: ["A"], maxAttempts: 2, timeoutSeconds: 7 });
      const waiting = await api.submit({ runner: bench.idle, payload: "print never" });
      expect(await codeOf(api.retry(waiting.id))).toBe("CONFLICT");
      await api.cancel(waiting.id);
      const key = generateKey("alice");
      const sign = { sign: (one: Job) => signJob(one, key, { nowSeconds: Date.now() / 1000 }) };
      const signed = await api.submit({ runner, payload: "print signed" }, sign);
      await api.wait(signed.id);
      expect(await codeOf(api.retry(signed.id))).toBe("CONFLICT");
      expect(await codeOf(api.retry(`gone-${randomUUID()}`, { runner }))).toBe("NOT_FOUND");
    });

    test("a closed client refuses to work on", async () => {
      const other = await bench.another();
      other.close();
      expect(await codeOf(other.get("x", { runner }))).toBe("UNAVAILABLE");
    });

    test("a client that is closed during a wait says that, and blames nobody", async () => {
      const other = await bench.another();
      const { id } = await other.submit({ runner: bench.idle, payload: "print never" });
      const waiting = other.wait(id, { onStatus: () => setImmediate(() => other.close()) });
      const error: unknown = await waiting.catch((error: unknown) => error);
      expect(error).toMatchObject({
        code: "UNAVAILABLE",
        message: expect.stringMatching(/ closed$/) as unknown,
      });
      await api.cancel(id, { runner: bench.idle });
    });
  });
}
