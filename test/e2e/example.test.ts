/** The example that people copy first has to work as its comment says. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { repositoryRoot } from "../support/built.ts";
import { endToEnd } from "../support/e2e.ts";

const e2e = endToEnd();

test("examples/custom-runner.ts echoes a job and ends on SIGTERM", async () => {
  const args = ["--import", "tsx", "--conditions=@herorunner/source", "examples/custom-runner.ts", "echo-1"];
  const child = spawn(process.execPath, args, {
    cwd: repositoryRoot,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], REDIS_URL: e2e.server.url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  await e2e.redis.submit("echo-1", "7", { payload: "hello" });
  expect(await e2e.redis.final("echo-1", "7")).toMatchObject({ status: "finished", result: "hello" });
  child.kill("SIGTERM");
  const [code] = (await once(child, "close")) as [number | null];
  expect([code, said]).toEqual([0, "echoed 1 jobs\n"]);
});

test("it has fewer than 30 lines", async () => {
  const { readFile } = await import("node:fs/promises");
  const text = await readFile(join(repositoryRoot, "examples", "custom-runner.ts"), "utf8");
  expect(text.trimEnd().split("\n").length).toBeLessThan(30);
});
