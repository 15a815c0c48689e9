/**
 * What one writes in an afternoon: ids from a list, child_process.spawn, one Lua script that stores the result. No lease,
 * no limit, no check, no retry. `node node-worker.mjs PORT KEY_PREFIX CONCURRENCY PROGRAM`
 */
import { spawn } from "node:child_process";
import { Redis } from "ioredis";

const [port, prefix, concurrency, program] = process.argv.slice(2);
const options = { port: Number(port), host: "127.0.0.1", maxRetriesPerRequest: null };
const waiting = new Redis(options);
const commands = new Redis(options);
commands.defineCommand("finish", {
  numberOfKeys: 3,
  lua: `redis.call('HSET', KEYS[1], 'status', ARGV[2], 'result', ARGV[3])
    redis.call('LREM', KEYS[2], 1, ARGV[1])
    redis.call('LPUSH', KEYS[3], ARGV[2])
    redis.call('EXPIRE', KEYS[3], 3600)`,
});

const running = new Set();
for (;;) {
  if (running.size === Number(concurrency)) await Promise.race(running);
  const id = await waiting.blmove(`${prefix}queue`, `${prefix}active`, "RIGHT", "LEFT", 0);
  const job = runOne(id).finally(() => running.delete(job));
  running.add(job);
}

async function runOne(id) {
  const payload = await commands.hget(`${prefix}job:${id}`, "payload");
  const { stdout, code } = await run(payload);
  const keys = [`${prefix}job:${id}`, `${prefix}active`, `${prefix}reply:${id}`];
  await commands.finish(...keys, id, code === 0 ? "finished" : "error", stdout);
}

function run(payload) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["run", "-s"], { detached: true, env: { PATH: "/usr/bin:/bin" } });
    const pieces = [];
    child.stdout.on("data", (piece) => pieces.push(piece));
    child.stderr.on("data", () => {});
    child.stdin.on("error", () => {});
    child.on("error", reject);
    child.on("close", (code) => resolve({ stdout: Buffer.concat(pieces).toString(), code }));
    child.stdin.end(payload);
  });
}
