/** The first command a newcomer types, run as typed: `npm start`, with the built programs and a Redis of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { JobClient } from "@herorunner/job";
import { expect, onTestFinished, test } from "vitest";
import { startRedis } from "../support/redis-server.ts";
import { until } from "../support/until.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));

interface Start {
  readonly child: ChildProcess;
  /** Everything said so far. */
  readonly said: () => string;
  readonly exited: Promise<number | null>;
}

function npmStart(args: readonly string[], env: NodeJS.ProcessEnv = {}): Start {
  // a REDIS_URL of whoever runs the tests is none of our business here
  const { REDIS_URL: _, ...outer } = process.env;
  const child = spawn("npm", ["start", ...args], {
    cwd: repository,
    env: { ...outer, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGTERM"));
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, "close").then(([code]) => code as number | null); // as documented for the event
  return { child, said: () => said, exited };
}

function socketOf(said: string): string {
  const [path] = /\/\S+\/redis\.sock/.exec(said) ?? [];
  if (path === undefined) throw new Error(`no socket in:\n${said}`);
  return path;
}

test("npm start -- --once runs the example jobs, shows their answers, ends with 0 and leaves nothing", async () => {
  const start = npmStart(["--", "--once"]);
  const code = await start.exited;
  expect({ code, said: start.said() }).toMatchObject({ code: 0 });
  expect(start.said()).toContain("│ Hello from heroscript!");
  expect(start.said()).toContain("│ These were the repositories; now the containers:");
  expect(start.said()).toContain("│ a value that travelled with the job");
  expect(existsSync(dirname(socketOf(start.said())))).toBe(false);
});

test("npm start stays up, takes a job from another process, and ends everything when npm is ended", async () => {
  const start = npmStart([]);
  const invited = until(
    () => start.said().includes("Press Ctrl-C to stop"),
    "the examples are through",
    120_000,
  );
  const early = start.exited.then((code) => `it ended with ${code}:\n${start.said()}`);
  expect(await Promise.race([invited, early])).toBeUndefined();
  const socket = socketOf(start.said());
  const client = await JobClient.connect(`unix://${socket}`);
  try {
    const { id } = await client.submit({ runner: "my-hero-runner", payload: 'print("one more")' });
    const job = await client.wait(id, { runner: "my-hero-runner", timeoutMs: 40_000 });
    expect(job).toMatchObject({ status: "finished", result: "one more\n" });
  } finally {
    client.close();
  }
  start.child.kill("SIGTERM");
  await start.exited;
  await until(() => !existsSync(dirname(socket)), "the folder is gone");
});

test("npm start uses the Redis of REDIS_URL and leaves it running", async () => {
  await using redis = await startRedis();
  const start = npmStart(["--", "--once"], { REDIS_URL: redis.url });
  const code = await start.exited;
  expect({ code, said: start.said() }).toMatchObject({ code: 0 });
  expect(start.said()).toContain("yours, from REDIS_URL");
  const client = await JobClient.connect(redis.url);
  client.close();
});

test("npm start with a REDIS_URL that leads nowhere says so and ends with 1", async () => {
  const start = npmStart(["--", "--once"], { REDIS_URL: "unix:///nonexistent/redis.sock" });
  expect(await start.exited).toBe(1);
  expect(start.said()).toContain("Redis at unix:///nonexistent/redis.sock is not reachable");
});
