/** The program itself: its command line, its refusals, its log, and how it stops. Runs from source, as a process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { until } from "../../../test/support/until.ts";
import { SupervisorError, RpcClient } from "../src/client.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const children: ChildProcess[] = [];
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(async () => {
  await server.stop();
});

function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(
    process.execPath,
    ["--conditions=@herorunner/source", "--import", "tsx", main, "--port", "0", ...args],
    { env: { PATH: process.env["PATH"], ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  children.push(child);
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => void (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => void (err += chunk.toString()));
  const ended = once(child, "close").then(([code]) => code as number | null);
  const url = async (): Promise<string> => {
    await until(() => /url=\S+/.test(out) || child.exitCode !== null, "it listens");
    return /url=(\S+)/.exec(out)?.[1] ?? `nowhere: ${err}`;
  };
  return { child, ended, url, out: () => out, err: () => err };
}

describe("herosupervisor", () => {
  it("starts with the usual line, warns of the secret in it, serves, and stops when told", async () => {
    const run = launch(["--redis-url", server.url, "--admin-secret", "s3cret-on-the-line"]);
    const rpc = new RpcClient({ url: await run.url(), key: "s3cret-on-the-line" });
    expect(await rpc.call("supervisor.info", {})).toMatchObject({ redis: { reachable: true } });
    const metrics = await (await fetch(`${await run.url()}/metrics`)).text();
    expect(metrics).toContain('herosupervisor_calls_total{method="supervisor.info",code="0"} 1');
    expect(run.err()).toContain("--admin-secret holds a secret that every user of this host can read");
    run.child.kill("SIGTERM");
    expect(await run.ended).toBe(0);
    expect(run.out() + run.err()).not.toContain("s3cret-on-the-line");
  });

  it("makes up a secret on loopback where none is given, and tells it once", async () => {
    const run = launch(["--redis-url", server.url]);
    const url = await run.url();
    await until(() => run.out().includes("bearer="), "it tells the secret");
    const key = /bearer=(\S+)/.exec(run.out())?.[1] ?? "";
    await new RpcClient({ url, key }).call("runner.list", {});
    const guess = new RpcClient({ url, key: "secret" }).call("runner.list", {});
    await expect(guess).rejects.toBeInstanceOf(SupervisorError);
    await expect(guess).rejects.toMatchObject({ code: -32001, reason: "bad_key" });
  });

  it("says so when its port is taken, with exit code 1", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const run = launch([
      "--redis-url",
      server.url,
      "--admin-secret",
      "a long enough secret",
      "--port",
      String(port),
    ]);
    expect(await run.ended).toBe(1);
    expect(run.err()).toContain(`cannot listen on 127.0.0.1 port ${port}`);
    taken.close();
  });

  it("starts without Redis, says that it is not ready, and is once Redis is there", async () => {
    const late = await startRedis();
    await late.kill();
    const run = launch(["--redis-url", late.url, "--admin-secret", "a long enough secret"]);
    const url = await run.url();
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await late.start();
    await until(async () => (await fetch(`${url}/readyz`)).status === 200, "it is ready");
    run.child.kill("SIGTERM");
    expect(await run.ended).toBe(0);
    await late.stop();
  });

  it("ends waits and streams when it stops, and does not wait for clients that linger", async () => {
    const run = launch(["--redis-url", server.url, "--admin-secret", "a long enough secret"]);
    const url = await run.url();
    const rpc = new RpcClient({ url, key: "a long enough secret" });
    await rpc.call("runner.register", { id: "r" });
    const waiting = rpc.call("job.run", { runner: "r", payload: "x", wait: 60 });
    const stream = await fetch(`${url}/events`, {
      headers: { Authorization: "Bearer a long enough secret" },
    });
    const job = async () => (await rpc.call("job.list", { runner: "r" })).jobs[0];
    await until(async () => (await job()) !== undefined, "the job is queued");
    run.child.kill("SIGTERM");
    expect(await waiting).toMatchObject({ status: "queued" });
    expect(await stream.text()).toContain('{"reason":"shutdown"}');
    expect(await run.ended).toBe(0);
  });
});
