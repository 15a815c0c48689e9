/** A supervisor whose Redis user has no more rights than docs/operations.md gives it, and one that has fewer. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { RpcClient } from "../src/client.ts";
import { table } from "../src/rpc/methods.ts";
import { adminSecret, type Harness, type Served, startHarness } from "./support/harness.ts";

let harness: Harness;
beforeAll(async () => void (harness = await startHarness()));
afterAll(() => harness.stop());

/** The rules of the page for this user, as words. */
async function manualRules(user: string): Promise<readonly string[]> {
  const page = await readFile(new URL("../../../docs/operations.md", import.meta.url), "utf8");
  const line = page
    .replaceAll(/ \\\n\s*/g, " ")
    .split("\n")
    .find((each) => each.startsWith(`redis-cli ACL SETUSER ${user} `));
  return line?.replaceAll(/['"]/g, "").split(" ").slice(4) ?? [];
}

async function serveAs(user: string, rules: readonly string[]): Promise<Served> {
  await harness.redis.send(["ACL", "SETUSER", user, ...rules.filter((rule) => !rule.startsWith(">")), ">pw"]);
  return harness.serve({ redisUrl: `unix://${user}:pw@${harness.server.socketPath}` });
}

it("does everything that it offers with the rights that the manual gives it", async () => {
  await harness.redis.send(["ACL", "LOG", "RESET"]);
  const served = await serveAs("herosupervisor", await manualRules("herosupervisor"));
  const runner = harness.runner();
  const { id } = runner;
  const called = new Set<string>();
  const call: Served["call"] = (method, params) => {
    called.add(method);
    return served.call(method, params);
  };
  await runner.appear();
  await call("runner.register", { id });
  await call("runner.pause", { id });
  await call("runner.resume", { id });
  expect(await call("runner.ping", { id })).toMatchObject({ alive: true });
  await call("runner.get", { id });
  await call("runner.list", {});
  await call("job.create", { runner: id, id: "stored", payload: "x" });
  await call("job.start", { id: "stored" });
  await call("job.cancel", { id: "stored" });
  const waited = call("job.run", { runner: id, id: "waited", payload: "x", wait: 10 });
  const claim = await runner.take();
  await runner.queue.appendLog(claim, [{ stream: "out", offset: 0, data: "live" }]);
  await call("job.cancel", { id: "waited" });
  const output = { stdout: "live", stderr: "", stdoutBytes: 4, stderrBytes: 0, droppedBytes: 0 };
  await runner.queue.settle(claim, { kind: "finished", output });
  expect(await waited).toMatchObject({ status: "finished" });
  const client = new RpcClient({ url: served.url, key: adminSecret });
  for await (const event of client.followLog("waited")) expect(["out", "end"]).toContain(event.event);
  for (const method of ["job.get", "job.status", "job.result", "job.logs"] as const) {
    await call(method, { id: "waited" });
  }
  await call("job.list", { runner: id, status: "finished" });
  await call("job.retry", { id: "waited" });
  await call("job.delete", { id: "waited" });
  const key = await call("key.create", { name: "ci", scopes: ["jobs:read"] });
  await served.call("runner.list", {}, key.key);
  await call("key.list", {});
  await call("key.revoke", { id: key.id });
  await call("supervisor.info", {});
  await call("rpc.discover", {});
  await call("runner.remove", { id, force: true });
  expect([...called].sort()).toEqual(Object.keys(table()).sort());

  await call("runner.register", { id });
  const session = await fetch(`${served.url}/session`, {
    method: "POST",
    headers: { Authorization: `Bearer ${adminSecret}` },
  });
  const cookie = session.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  for (const path of ["/session", "/page/stats", "/readyz", "/metrics"]) {
    expect((await served.get(path, { Cookie: cookie })).status, path).toBe(200);
  }
  const events = await served.get("/events");
  expect(events.status).toBe(200);
  await events.body?.cancel();
  // Where a refusal is swallowed, Redis has written it down all the same.
  expect(await harness.redis.send(["ACL", "LOG"])).toEqual([]);
});

it("tells the operator, once, what Redis refuses, and the caller only that it does", async () => {
  const rules = await manualRules("herosupervisor");
  const served = await serveAs("limited", [...rules, "-hexists"]);
  const { id } = harness.runner();
  await served.call("runner.register", { id });
  for (let round = 0; round < 2; round += 1) {
    const refused = await served.fail("job.run", { runner: id, payload: "x" });
    expect(refused).toMatchObject({ message: "Redis refuses the supervisor", data: { reason: "denied" } });
  }
  expect(served.log().match(/Redis refuses what a call needs .*NOPERM.*'hexists'/g)).toHaveLength(1);
});
