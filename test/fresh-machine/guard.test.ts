/** What `npm start` brings up ends with it: on request, when a service falls, and when it is killed outright. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../support/until.ts";

const scripts = fileURLToPath(new URL("../../scripts/", import.meta.url));

/** A program that starts a private Redis and a stubborn service, says where they are, and ends at SIGTERM. */
const program = `
  import { ensureRedisServer } from ${JSON.stringify(`${scripts}redis/ensure.mjs`)};
  import { startPrivateRedis } from ${JSON.stringify(`${scripts}redis/private.mjs`)};
  import { startGuard } from ${JSON.stringify(`${scripts}start/guard.mjs`)};
  const guard = await startGuard();
  const redis = await startPrivateRedis(guard, await ensureRedisServer());
  const sleeper = await guard.start({
    name: "sleeper",
    file: "/bin/sh",
    args: ["-c", "trap '' TERM; echo asleep; while :; do sleep 0.1; done"],
    env: { PATH: process.env.PATH },
    graceMs: 200,
  });
  while (!sleeper.recent().includes("asleep")) await new Promise((resolve) => setTimeout(resolve, 5));
  process.on("SIGTERM", async () => {
    await guard.end();
    process.exit(0);
  });
  console.log(JSON.stringify({ folder: guard.folder, pids: [redis.service.pid, sleeper.pid], socket: redis.socketPath }));
  setInterval(() => {}, 1000);
`;

async function startProgram() {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string]; // readline's line event carries one string
  const started = JSON.parse(line) as { folder: string; pids: number[]; socket: string }; // as the program above prints it
  return { child, exited, ...started };
}

/** A zombie has ended; only its parent has not looked yet. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(
      existsSync("/proc/self/stat") ? readFileSync(`/proc/${pid}/stat`, "utf8") : "",
    );
  } catch {
    return false;
  }
}

test("a private Redis listens on a socket that only this user can reach", async () => {
  const { child, exited, folder, socket } = await startProgram();
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(socket)).isSocket()).toBe(true);
  child.kill("SIGTERM");
  await exited;
});

test("ending the guard ends every process, even one that ignores SIGTERM, and removes the folder", async () => {
  const { child, exited, folder, pids } = await startProgram();
  expect(pids.filter(lives)).toEqual(pids);
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
  expect(pids.filter(lives)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

test("killing the program with SIGKILL ends its services and removes its folder all the same", async () => {
  const { child, exited, folder, pids } = await startProgram();
  child.kill("SIGKILL");
  await exited;
  await until(() => pids.filter(lives).length === 0, "the services are gone");
  await until(() => !existsSync(folder), "the folder is gone");
});
