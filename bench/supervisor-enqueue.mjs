/**
 * What a supervisor costs: jobs queued a second through JSON-RPC, beside the same jobs queued straight in Redis, in one run on
 * one machine. Three processes: Redis, the supervisor, and this one, which asks with keep-alive connections.
 *
 *   npm run build && node bench/supervisor-enqueue.mjs [--jobs 10000] [--at-once 64]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { JobClient, keysOf, openConnection, parseRedisUrl } from "@herorunner/job";
import { ensureRedisServer } from "../scripts/redis/ensure.mjs";

const { values } = parseArgs({
  options: { jobs: { type: "string", default: "10000" }, "at-once": { type: "string", default: "64" } },
});
const jobs = Number(values.jobs);
const atOnce = Number(values["at-once"]);
const batchSize = 100;
const secret = "a secret for this run only";
const payload = 'print("hello")';

const folder = await mkdtemp(join(tmpdir(), "herosupervisor-bench-"));
const socket = join(folder, "redis.sock");
const url = `unix://${socket}`;
const { path: server } = await ensureRedisServer({ say: console.error });
const redis = spawn(
  server,
  ["--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "", "--appendonly", "yes"],
  {
    stdio: "ignore",
  },
);
const main = fileURLToPath(new URL("../packages/supervisor/bin/herosupervisor.js", import.meta.url));
const supervisor = spawn(
  process.execPath,
  [
    ...(process.env["PROF"] ? ["--cpu-prof", "--cpu-prof-dir=/tmp/sup/prof"] : []),
    main,
    "--redis-url",
    url,
    "--port",
    "0",
  ],
  {
    env: { PATH: process.env["PATH"], HEROSUPERVISOR_ADMIN_SECRET: secret },
    stdio: ["ignore", "pipe", "inherit"],
  },
);
try {
  await run(await portOf(supervisor));
} finally {
  supervisor.kill("SIGTERM");
  await once(supervisor, "exit");
  redis.kill("SIGKILL");
  await once(redis, "exit");
  await rm(folder, { recursive: true, force: true });
}

/** @param {number} port */
async function run(port) {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  await ready(port, agent);
  const call = (/** @type {unknown} */ body) => post(port, agent, JSON.stringify(body));
  await call({ jsonrpc: "2.0", id: 1, method: "runner.register", params: { id: "bench" } });
  const client = await JobClient.connect(url);
  const connection = openConnection({ target: parseRedisUrl(url), routeKey: "x" });
  const keys = keysOf("bench");
  const create = (/** @type {number} */ id) => ({
    ...{ jsonrpc: "2.0", id, method: "job.run", params: { runner: "bench", payload } },
  });
  let made = 0;
  /** @type {[string, number, () => Promise<unknown>][]} */
  const ways = [
    [
      "HSET and LPUSH, by hand",
      1,
      async () => {
        const id = `raw-${(made += 1)}`;
        await Promise.all([
          connection.send(["HSET", keys.job(id), "payload", payload]),
          connection.send(["LPUSH", keys.queue, id]),
        ]);
      },
    ],
    ["JobClient.submit", 1, () => client.submit({ runner: "bench", payload })],
    ["job.run over HTTP, one a request", 1, () => call(create(1))],
    [
      `job.run over HTTP, ${batchSize} a request`,
      batchSize,
      () => call(Array.from({ length: batchSize }, (_, id) => create(id))),
    ],
  ];
  /** @type {Map<string, { rate: number, cpu: number }>} */
  const rates = new Map();
  for (const [name, size, make] of ways) {
    await spread(Math.ceil(jobs / 10 / size), make);
    const count = Math.ceil(jobs / size) * size;
    const cpuBefore = await cpuSeconds(port);
    const startedMs = performance.now();
    await spread(count / size, make);
    const rate = (count * 1000) / (performance.now() - startedMs);
    rates.set(name, { rate, cpu: ((await cpuSeconds(port)) - cpuBefore) / count });
  }
  const raw = [...rates.values()][0]?.rate ?? 1;
  console.log(`${jobs} jobs each, ${atOnce} requests at once, Node ${process.version}`);
  for (const [name, { rate, cpu }] of rates) {
    const shown = [
      name.padEnd(34),
      `${Math.round(rate)}/s`.padStart(9),
      `${(rate / raw).toFixed(3)} of by hand`,
    ];
    console.log(...shown, `${(cpu * 1e6).toFixed(0).padStart(6)} us of the supervisor's CPU each`);
  }
  client.close();
  connection.close();
  agent.destroy();
}

/** What the supervisor has used so far. @param {number} port */
async function cpuSeconds(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1] ?? 0);
}

/** Calls `make` so many times, `atOnce` at a time. @param {number} times @param {() => Promise<unknown>} make */
async function spread(times, make) {
  let left = times;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await make();
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, times) }, worker));
}

/** @param {import("node:child_process").ChildProcess} child */
async function portOf(child) {
  if (child.stdout === null) throw new Error("the supervisor has no output");
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /url=http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout.resume();
    return Number(port);
  }
  throw new Error("the supervisor did not start");
}

/** @param {number} port @param {Agent} agent */
async function ready(port, agent) {
  const list = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "runner.list" });
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await post(port, agent, list)).includes('"result"')) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("Redis did not start");
}

/** @param {number} port @param {Agent} agent @param {string} body @returns {Promise<string>} */
function post(port, agent, body) {
  return new Promise((resolve, reject) => {
    const headers = {
      ...{ Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      "Content-Length": Buffer.byteLength(body),
    };
    const sent = request(
      { port, host: "127.0.0.1", path: "/rpc", method: "POST", agent, headers },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () =>
          response.statusCode === 200 && !text.includes('"error"')
            ? resolve(text)
            : reject(new Error(text.slice(0, 300))),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
