/** What operators and clients do to a runner that lives: cancel, pause, ping, stop. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openConnection, parseRedisUrl } from "@herorunner/job";
import { expect, onTestFinished, test } from "vitest";
import { isAlive } from "../support/alive.ts";
import { endToEnd, expectNothingTaken } from "../support/e2e.ts";
import { shellHero } from "../support/stand-in-hero.ts";
import { until } from "../support/until.ts";

const e2e = endToEnd();

test("a waiting job that is cancelled never starts, and a running one is ended with its processes", async () => {
  const id = e2e.newRunner();
  const runner = await e2e.start(id, ["--hero", await shellHero()]);
  const marker = join(runner.folder, "pid");
  await e2e.redis.submit(id, "runs", { payload: `echo half; echo $$ > ${marker}; exec sleep 300` });
  await e2e.redis.submit(id, "waits", { payload: `touch ${marker}.never` });
  await until(() => existsSync(marker) && readFileSync(marker, "utf8").endsWith("\n"), "the first job runs");
  await e2e.redis.call("HSET", `hero:{${id}}:job:waits`, "cancel", "1");
  const lease = () => e2e.redis.call("ZSCORE", `hero:{${id}}:leases`, "runs");
  const before = await lease();
  await until(async () => (await lease()) !== before, "the job was renewed just now");
  const begunMs = Date.now();
  await e2e.redis.call("HSET", `hero:{${id}}:job:runs`, "cancel", "1");
  await e2e.redis.call("PUBLISH", `hero:{${id}}:control`, '{"op":"cancel","id":"runs"}');
  const running = await e2e.redis.final(id, "runs");
  expect(running).toMatchObject({ status: "error", reason: "cancelled", result: "half\n" });
  const { askedAtMs } = JSON.parse(running["kill"] ?? "{}") as { readonly askedAtMs?: number };
  // By the wake-up, not by the next renewal, which comes 1.5 s after the last.
  expect(Number(askedAtMs) - begunMs).toBeLessThan(1_200);
  expect(isAlive(readFileSync(marker, "utf8").trim())).toBe(false);
  const waiting = await e2e.redis.final(id, "waits");
  expect(waiting).toMatchObject({ status: "error", reason: "cancelled" });
  expect(waiting["started_at"]).toBeUndefined();
  expect(existsSync(`${marker}.never`)).toBe(false);
  await expectNothingTaken(e2e.redis, id);
});

test("a cancel whose message was lost is seen with the next renewal", async () => {
  const id = e2e.newRunner();
  const runner = await e2e.start(id, ["--hero", await shellHero()]);
  await e2e.redis.submit(id, "1", { payload: "exec sleep 300" });
  await runner.logged("job started id=1");
  await e2e.redis.call("HSET", `hero:{${id}}:job:1`, "cancel", "1");
  expect(await e2e.redis.final(id, "1")).toMatchObject({ reason: "cancelled" });
});

test("a paused runner takes nothing until it is resumed; a ping is answered by the process itself", async () => {
  const id = e2e.newRunner();
  const key = (name: string): string => `hero:{${id}}:${name}`;
  await e2e.start(id, ["--hero", await shellHero(), "--host-id", "host-1"]);
  const heard: string[] = [];
  const ear = openConnection({ target: parseRedisUrl(e2e.server.url), routeKey: "" });
  onTestFinished(() => ear.close());
  await ear.subscribe(
    key("control"),
    (message) => void heard.push(message),
    () => undefined,
  );
  const ping = async (nonce: string): Promise<void> => {
    await until(async () => {
      await e2e.redis.call("PUBLISH", key("control"), JSON.stringify({ op: "ping", nonce }));
      return heard.some((message) => message.includes("pong") && message.includes(nonce));
    }, "the ping is answered");
  };
  await ping("first");
  const pong = JSON.parse(heard.find((message) => message.includes("pong"))!) as Record<string, string>;
  expect(pong).toMatchObject({ op: "pong", nonce: "first" });
  expect(pong["owner"]).toMatch(/^host-1:/);

  await e2e.redis.call("HSET", key("settings"), "paused", "1");
  await e2e.redis.call("PUBLISH", key("control"), '{"op":"pause"}');
  await ping("the pause was heard before this");
  await e2e.redis.submit(id, "1", { payload: "echo ran" });
  await ping("and it was not taken before this");
  // An id that met the end of the wait goes back a moment later.
  await until(async () => (await e2e.redis.call("LLEN", key("queue"))) === 1, "it waits");
  await e2e.redis.call("HDEL", key("settings"), "paused");
  await e2e.redis.call("PUBLISH", key("control"), '{"op":"resume"}');
  expect(await e2e.redis.final(id, "1", 3_000)).toMatchObject({ result: "ran\n" });
});

test("the heartbeat shows the process, and the farewell takes it off the list", async () => {
  const id = e2e.newRunner();
  const key = (name: string): string => `hero:{${id}}:${name}`;
  const runner = await e2e.start(id, ["--hero", await shellHero(), "-c", "3"]);
  const instances = async () => (await e2e.redis.call("ZRANGE", key("instances"), "0", "-1")) as string[];
  await until(async () => (await instances()).length === 1, "it is on the list");
  const [owner] = await instances();
  expect(await e2e.redis.hash(key(`instance:${owner}`))).toMatchObject({
    ...{ owner, pid: String(runner.pid), slots: "3", busy: "0", signatures: "off" },
  });
  runner.signal("SIGTERM");
  expect(await runner.exited).toBe(0);
  expect(await instances()).toEqual([]);
  expect(await e2e.redis.call("EXISTS", key(`instance:${owner}`))).toBe(0);
});

test("the first SIGTERM lets running jobs end, takes no more, and ends with 0", async () => {
  const id = e2e.newRunner();
  const runner = await e2e.start(id, ["--hero", await shellHero()]);
  const go = join(runner.folder, "go");
  await e2e.redis.submit(id, "1", { payload: `until [ -e ${go} ]; do sleep 0.05; done; echo done` });
  await runner.logged("job started id=1");
  runner.signal("SIGTERM");
  await runner.logged("draining");
  await e2e.redis.submit(id, "2", { payload: "echo later" });
  writeFileSync(go, "");
  expect(await runner.exited).toBe(0);
  expect(await e2e.redis.job(id, "1")).toMatchObject({ status: "finished", result: "done\n" });
  expect(await e2e.redis.call("LRANGE", `hero:{${id}}:queue`, "0", "-1")).toEqual(["2"]);
  expect(await e2e.redis.call("LLEN", `hero:{${id}}:active`)).toBe(0);
});

test("the second SIGTERM ends running jobs as shutdown and the process with 1", async () => {
  const id = e2e.newRunner();
  const runner = await e2e.start(id, ["--hero", await shellHero(), "--grace", "1"]);
  const marker = join(runner.folder, "pid");
  await e2e.redis.submit(id, "1", {
    payload: `trap '' TERM; echo half; echo $$ > ${marker}; while :; do sleep 0.1; done`,
  });
  await until(() => existsSync(marker) && readFileSync(marker, "utf8").endsWith("\n"), "the job runs");
  runner.signal("SIGTERM");
  await runner.logged("draining");
  runner.signal("SIGTERM");
  expect(await runner.exited).toBe(1);
  expect(await e2e.redis.job(id, "1")).toMatchObject({
    status: "error",
    reason: "shutdown",
    result: "half\n",
  });
  expect(isAlive(readFileSync(marker, "utf8").trim())).toBe(false);
  await expectNothingTaken(e2e.redis, id);
});

test("a drain that takes longer than --drain-timeout ends what still runs", async () => {
  const id = e2e.newRunner();
  const runner = await e2e.start(id, ["--hero", await shellHero(), "--drain-timeout", "0"]);
  await e2e.redis.submit(id, "1", { payload: "exec sleep 300" });
  await runner.logged("job started id=1");
  runner.signal("SIGINT");
  expect(await runner.exited).toBe(1);
  expect(await e2e.redis.job(id, "1")).toMatchObject({ reason: "shutdown" });
});

test("an idle runner ends within a second of SIGTERM", async () => {
  const runner = await e2e.start(e2e.newRunner());
  const begun = performance.now();
  runner.signal("SIGTERM");
  expect(await runner.exited).toBe(0);
  expect(performance.now() - begun).toBeLessThan(2_000);
});
