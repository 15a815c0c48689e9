/** The suite of clients, over a supervisor; and herojob through the same one. */
import { createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createLogger } from "@herorunner/daemon";
import { ClientError, JobClient, parseRedisUrl, RedisPresence, SupervisorClient } from "@herorunner/job";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { herojobHere } from "../../packages/herojob/test/support/here.ts";
import { startSupervisor, type Supervisor } from "../../packages/supervisor/src/supervisor.ts";
import { jobClientSuite } from "../conformance/job-client.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { type ScriptedRunner, startScriptedRunner } from "../support/scripted-runner.ts";

const adminSecret = "an admin secret for tests only";
let redis: RedisServer;
let supervisor: Supervisor;
let runner: ScriptedRunner;
let url: string;

beforeAll(async () => {
  redis = await startRedis();
  const silent = new PassThrough().resume();
  const logger = createLogger({ level: "ERROR", format: "text", out: silent, err: silent });
  supervisor = await startSupervisor({
    redisUrl: redis.url,
    host: "127.0.0.1",
    port: 0,
    adminSecret,
    logger,
  });
  url = `http://127.0.0.1:${supervisor.port}`;
  const presence = new RedisPresence({ target: parseRedisUrl(redis.url), runner: "served" });
  runner = startScriptedRunner({ url: redis.url, runnerId: "served", presence });
  for (const id of ["served", "idle"]) await call("runner.register", { id });
});
afterAll(async () => {
  await runner.stop();
  await supervisor.close(AbortSignal.timeout(1_000));
  await redis.stop();
});

async function call(method: string, params: unknown): Promise<unknown> {
  const response = await fetch(`${url}/rpc`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${adminSecret}` },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const answer = (await response.json()) as { result?: unknown; error?: unknown };
  if (answer.result === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.result;
}

const connect = (apiKey = adminSecret): Promise<SupervisorClient> =>
  SupervisorClient.connect(url, { apiKey });

jobClientSuite("over a supervisor", async () => {
  const api = await connect();
  return {
    ...{ api, runner, idle: "idle" },
    remove: async (id) => void (await call("job.delete", { id })),
    another: () => connect(),
    close: () => Promise.resolve(api.close()),
  };
});

describe("a supervisor client tells", () => {
  const failure = async (work: Promise<unknown>): Promise<ClientError> => {
    const error: unknown = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error instanceof ClientError) return error;
    throw new Error("it did not fail as a client should", { cause: error });
  };

  test("a wrong key", async () => {
    const message = "the key is not valid; send `Authorization: Bearer` with the admin secret or an API key";
    expect(await failure(connect("wrong"))).toMatchObject({ code: "DENIED", message });
  });

  test("a key that may only look", async () => {
    const { key } = (await call("key.create", { name: "reader", scopes: ["jobs:read"] })) as { key: string };
    await using api = await connect(key);
    expect(await failure(api.submit({ runner: "served", payload: "print x" }))).toMatchObject({
      code: "DENIED",
    });
  });

  test("that nobody is there", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const error = await failure(SupervisorClient.connect(`http://127.0.0.1:${port}`, { apiKey: "x" }));
    expect(error).toMatchObject({ code: "UNAVAILABLE" });
    expect(error.message).toBe(`the supervisor at http://127.0.0.1:${port} cannot be reached (ECONNREFUSED)`);
  });

  test("that somebody else is there, or that an answer never comes", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/rpc") response.end("<html>hello</html>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const other = `http://127.0.0.1:${port}`;
    const strange = await failure(SupervisorClient.connect(other, { apiKey: "x" }));
    expect(strange.message).toBe(
      `${other} answered HTTP 200 and no JSON-RPC; is this the URL of a supervisor?`,
    );
    const silent = SupervisorClient.connect(`${other}/else`, { apiKey: "x", deadlineMs: 100 });
    expect((await failure(silent)).message).toContain("did not answer in time");
    server.closeAllConnections();
    server.close();
  });

  test("the reason of the signal that ends a wait, also when the supervisor owes an answer", async () => {
    const why = new Error("had enough");
    const abort = new AbortController();
    const server = createServer((request, response) => {
      request.resume();
      if (!connected) return void response.end('{"jsonrpc":"2.0","id":1,"result":{}}');
      abort.abort(why);
    });
    let connected = false;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await using api = await SupervisorClient.connect(`http://127.0.0.1:${port}`, { apiKey: "x" });
    connected = true;
    await expect(api.wait("a", { signal: abort.signal })).rejects.toBe(why);
    server.closeAllConnections();
    server.close();
  });

  test("that values of variables are not shown, when a job with variables is asked back", async () => {
    await using api = await connect();
    const { id } = await api.submit({ runner: "served", payload: "env A", envVars: { A: "secret" } });
    expect(await failure(api.request(id))).toMatchObject({ code: "DENIED" });
    await using direct = await JobClient.connect(redis.url);
    expect((await direct.request(id, { runner: "served" })).envVars.get("A")).toBe("secret");
  });
});

describe("herojob through a supervisor", () => {
  const around = async (): Promise<Record<string, string>> => {
    const keyFile = join(redis.folder, "api-key");
    await writeFile(keyFile, `${adminSecret}\n`, { mode: 0o600 });
    return { HEROJOB_SUPERVISOR: url, HEROJOB_API_KEY_FILE: keyFile, HEROJOB_RUNNER: "served" };
  };

  test("submits, follows, explains, lists and cancels as it does over Redis", async () => {
    const env = await around();
    const run = (...args: string[]): ReturnType<typeof herojobHere> => herojobHere(args, env);
    expect(await run("submit", "--wait", "-e", "print hi")).toEqual({ code: 0, stdout: "hi\n", stderr: "" });
    const failed = await run("submit", "--follow", "--id", "rpc-1", "-e", "print a\nwarn b\nfail 4");
    expect(failed).toMatchObject({ code: 1, stdout: "a\n" });
    expect((await run("explain", "rpc-1")).stdout).toContain("ended as error: exit_status");
    expect(
      JSON.parse((await run("list", "--status", "error", "--limit", "1", "--json")).stdout),
    ).toMatchObject({
      jobs: [{ id: "rpc-1" }],
    });
    await run("submit", "--wait", "--id", "rpc-env", "--env", "A=secret", "-e", "env A");
    const again = await run("retry", "rpc-env", "--wait", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ retry_of: "rpc-env", result: "secret\n" });
    const changed = await run("retry", "rpc-env", "--timeout", "9");
    expect(changed.stderr).toContain("retry it unchanged, or submit it from its script");
    expect(await run("retry", "rpc-1", "--wait")).toMatchObject({ code: 1, stdout: "a\n" });
    expect(await run("submit", "--runner", "idle", "--id", "rpc-2", "-e", "print x")).toMatchObject({
      code: 0,
    });
    expect(await run("cancel", "rpc-2", "--runner", "idle")).toMatchObject({
      code: 0,
      stdout: "cancelled\n",
    });
    expect(await run("status", "gone")).toMatchObject({ code: 4 });
  });

  test("a wrong key is exit code 3, and is not shown", async () => {
    const { HEROJOB_API_KEY_FILE: _file, ...rest } = await around();
    const { code, stderr } = await herojobHere(["status", "x"], { ...rest, HEROJOB_API_KEY: "geheim" });
    expect(code).toBe(3);
    expect(stderr).toMatch(/^herojob: the key is not valid; send [^.;]*; look at [^;]*--api-key-file$/m);
    expect(stderr).not.toContain("geheim");
  });
});
