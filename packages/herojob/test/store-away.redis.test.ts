/** A Redis that does not answer, or not us, while herojob submits and waits. */
import { JobClient } from "@herorunner/job";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectRedis } from "../../../test/support/redis-client.ts";
import { startRedis } from "../../../test/support/redis-server.ts";
import { startTcpProxy } from "../../../test/support/tcp-proxy.ts";
import { submitRequest } from "../src/submit-request.ts";
import { type Bench, openBench } from "./support/bench.ts";
import { hereShell } from "./support/here.ts";
import { startHerojob } from "./support/herojob.ts";

let bench: Bench;
beforeAll(async () => void (bench = await openBench()));
afterAll(() => bench.close());

test("the time of a wait ends it also when Redis owes an answer", async () => {
  await bench.api.submit({ runner: "nobody", id: "limited", payload: "x" });
  const running = startHerojob(["wait", "limited", "--runner", "nobody", "--timeout", "4"], {
    env: bench.env,
  });
  await running.shows("no process serves runner nobody");
  bench.redis.freeze();
  const { code, stderr } = await running.ended;
  bench.redis.thaw();
  expect(code).toBe(124);
  expect(stderr).toContain("job limited has not ended after 4.0 s and goes on; wait for it again with: ");
});

test("a wait that Redis refuses to go on with says how to wait again", async () => {
  await bench.api.submit({ runner: "nobody", id: "refused", payload: "x" });
  const redis = connectRedis(bench.redis.url);
  await redis.call("ACL", "SETUSER", "rotated", "on", ">old", "~*", "&*", "+@all");
  const env = { ...bench.env, HEROJOB_REDIS_URL: `unix://rotated:old@${bench.redis.socketPath}` };
  const running = startHerojob(["wait", "refused", "--runner", "nobody"], { env });
  await running.shows("no process serves runner nobody");
  await redis.call("ACL", "SETUSER", "rotated", "-blmove");
  const { code, stderr } = await running.ended;
  redis.close();
  expect(code).toBe(3);
  expect(stderr).toContain(
    "it is not known how job refused goes on; wait for it again with: herojob wait refused --runner nobody\n",
  );
});

/** What is told of a submission that fails after this was done. */
async function failedSubmission(url: string, spoil: (api: JobClient) => Promise<unknown>): Promise<string> {
  await using api = await JobClient.connect(url);
  const { shell, written } = hereShell();
  const sign = async <T>(job: T): Promise<T> => {
    await spoil(api);
    return job;
  };
  const config = { wait: false, follow: false, waitTimeoutMs: undefined, json: false, raw: false };
  const request = { runner: "web-1", payload: "x" };
  const submitting = submitRequest({ request, sign, config }, { api, shell, words: "" });
  await expect(submitting).rejects.toMatchObject({ code: "UNAVAILABLE" });
  return written().stderr;
}

test("when Redis goes before it has answered, the id of what may be stored is told", async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis.socketPath);
  const told = await failedSubmission(proxy.url, () => Promise.resolve(proxy.loseReplyTo("EVALSHA")));
  expect(told).toMatch(
    /^herojob: it is not known whether job ([0-9a-f-]{36}) was stored; see with: herojob status \1 --runner web-1\n$/,
  );
});

test("it is not when Redis refuses, or was gone before anything could be sent", async () => {
  await using redis = await startRedis();
  const full = connectRedis(redis.url);
  expect(await failedSubmission(redis.url, () => full.call("CONFIG", "SET", "maxmemory", "1"))).toBe("");
  full.close();
  const told = await failedSubmission(redis.url, async (api) => {
    await redis.kill();
    // After this it is known that the connection is gone.
    await expect(api.get("any", { runner: "web-1" })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
  expect(told).toBe("");
});
