import { load } from "@herorunner/daemon";
import { expect, test } from "vitest";
import { program } from "../src/options.ts";

async function run(
  argv: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
) {
  return load({
    program,
    argv,
    env,
    readFile: (path) =>
      files[path] ?? Promise.reject(Object.assign(new Error("no such file"), { code: "ENOENT" })),
  });
}

async function config(argv: readonly string[], env?: Record<string, string>, files?: Record<string, string>) {
  const loaded = await run(argv, env, files);
  if (loaded.kind !== "command" || loaded.command !== "run") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

async function problems(argv: readonly string[], env?: Record<string, string>) {
  const loaded = await run(argv, env);
  return loaded.kind === "problems" ? loaded.text : `no problem: ${loaded.kind}`;
}

test("a runner id alone is enough", async () => {
  expect(await config(["my-hero-runner"])).toMatchObject({
    runnerId: "my-hero-runner",
    redisUrl: "redis://localhost:6379",
    concurrency: 1,
    hero: "hero",
    invoke: "stdin",
    defaultTimeoutMs: 60_000,
    maxTimeoutMs: 604_800_000,
    graceMs: 5_000,
    drainTimeoutMs: 30_000,
    resultTtlMs: 86_400_000,
    maxPayloadBytes: 16 * 1024 * 1024,
    maxOutputBytes: 1024 ** 3,
    keyPrefix: "hero:",
    isolation: "auto",
    burst: false,
    logLevel: "INFO",
    logFormat: "text",
  });
});

test.each([
  [["--redis-url", "redis://127.0.0.1:6379", "12001"]],
  [["12001", "--redis-url", "redis://127.0.0.1:6379"]],
  [["-r", "redis://127.0.0.1:6379", "12001"]],
  [["--redis-url=redis://127.0.0.1:6379", "12001"]],
])("%j serves the queue 12001", async (argv) => {
  expect(await config(argv)).toMatchObject({ runnerId: "12001", redisUrl: "redis://127.0.0.1:6379" });
});

test("flags go before the environment, the environment before the file, the file before defaults", async () => {
  const file = 'concurrency = 2\nhero = "/from/file"\ninvoke = "file"\n';
  const env = { HERORUNNER_CONFIG: "h.toml", HERORUNNER_CONCURRENCY: "3", HERORUNNER_HERO: "/from/env" };
  expect(await config(["r", "-c", "4"], env, { "h.toml": file })).toMatchObject({
    ...{ concurrency: 4, hero: "/from/env", invoke: "file", graceMs: 5_000 },
  });
  expect(await config(["r", "--config", "h.toml"], {}, { "h.toml": file })).toMatchObject({ concurrency: 2 });
});

test("RUST_LOG sets the level where ours is not set", async () => {
  const levelOf = async (argv: readonly string[], env: Record<string, string>) =>
    (await config(argv, env)).logLevel;
  expect(await levelOf(["r"], { RUST_LOG: "debug" })).toBe("DEBUG");
  expect(await levelOf(["r"], { RUST_LOG: "herorunner=error,info" })).toBe("ERROR");
  expect(await levelOf(["r"], { RUST_LOG: "debug", HERORUNNER_LOG_LEVEL: "ERROR" })).toBe("ERROR");
  expect(await levelOf(["r", "--log-level", "INFO"], { RUST_LOG: "debug" })).toBe("INFO");
});

test("lists repeat or take commas", async () => {
  expect(await config(["r", "--env-pass", "A,B", "--env-pass", "C"])).toMatchObject({
    envPass: ["A", "B", "C"],
  });
  expect(await config(["r"], { HERORUNNER_ENV_ALLOW: "X,Y" })).toMatchObject({ envAllow: ["X", "Y"] });
});

test.each([
  [[], "<runner_id>"],
  [["a b"], "<runner_id>"],
  [["r", "extra"], '"extra"'],
  [["r", "-r", "http://localhost"], "-r"],
  [["r", "-c", "0"], "-c"],
  [["r", "--default-timeout", "10", "--max-timeout", "5"], "--default-timeout"],
  [["r", "--signatures", "required"], "--signatures"],
  [["r", "--key-prefix", "a{b}"], "--key-prefix"],
  [["r", "--isolation", "vm"], "--isolation"],
  [["r", "--redisurl", "x"], "--redis-url"],
])("%j is refused and %s is named", async (argv, name) => {
  expect(await problems(argv)).toContain(name);
});

test("a misspelt environment variable is refused, because it may be the one that asks for signatures", async () => {
  expect(await problems(["r"], { HERORUNNER_SIGNATURE: "required" })).toContain("HERORUNNER_SIGNATURES");
});

test("a password never shows, neither in the printed configuration nor in a complaint", async () => {
  const printed = await run(["r", "-r", "redis://u:hunter2@h/0", "--print-config"]);
  expect(printed.kind).toBe("text");
  expect(JSON.stringify(printed)).not.toContain("hunter2");
  expect(await problems(["r", "-r", "redis://u:hunter2@h:99999999/0"])).not.toContain("hunter2");
});
