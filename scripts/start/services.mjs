/**
 * What `npm start` runs, in the order in which it is started: each service may use what those before it left in
 * the stage. They are ended in reverse.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ensureRedisServer } from "../redis/ensure.mjs";
import { clientOf, startPrivateRedis } from "../redis/private.mjs";

export const repository = fileURLToPath(new URL("../../", import.meta.url));
const programs = join(repository, "node_modules/.bin");
/** How long a running job may still take when everything is to end. */
export const drainSeconds = 5;
/** Where the supervisor listens unless somebody else does. */
const usualPort = 8082;
const startWithinMs = 20_000;

/**
 * @typedef {object} Stage
 * @property {import("./guard.mjs").Guard} guard
 * @property {AbortSignal} signal Aborted when everything is to end.
 * @property {(line: string) => void} say
 * @property {string} runner
 * @property {string} redisUrl
 * @property {string} redisCli The command that people type to reach this Redis.
 * @property {string} supervisorUrl
 * @property {string} adminSecret Of the supervisor, for this run only.
 * @property {import("./guard.mjs").Service[]} running
 */

/** @type {readonly { name: string, start: (stage: Stage) => Promise<string> }[]} */
export const services = [
  { name: "Redis", start: startRedis },
  { name: "supervisor", start: startSupervisor },
  { name: "herorunner", start: startHerorunner },
];

/** @param {Stage} stage */
async function startRedis(stage) {
  const given = process.env["REDIS_URL"];
  if (given) {
    // built a moment ago, so it cannot be imported any earlier
    const { JobClient } = await import("@herorunner/job");
    (await JobClient.connect(given)).close();
    stage.redisUrl = given;
    const socket = /^unix:\/\/([^?]+)/.exec(given)?.[1];
    stage.redisCli = socket ? `redis-cli -s ${socket}` : 'redis-cli -u "$REDIS_URL"';
    return "yours, from REDIS_URL; the jobs stay in it for a day";
  }
  const server = await ensureRedisServer({ say: stage.say, signal: stage.signal });
  const redis = await startPrivateRedis(stage.guard, server);
  stage.redisUrl = redis.url;
  stage.redisCli = `${await clientOf(server)} -s ${redis.socketPath}`;
  stage.running.push(redis.service);
  return `version ${server.version}, private, ${redis.socketPath}`;
}

/** @param {Stage} stage */
async function startSupervisor(stage) {
  const port = (await isFree(usualPort)) ? usualPort : await freePort();
  await writeFile(secretFile(stage), stage.adminSecret, { mode: 0o600 });
  const service = await stage.guard.start({
    name: "supervisor",
    file: join(programs, "herosupervisor"),
    args: ["--port", String(port), "--admin-secret-file", secretFile(stage)],
    env: { ...programEnvironment(), HEROSUPERVISOR_REDIS_URL: stage.redisUrl },
    graceMs: 10_000,
    quiet: true,
  });
  stage.running.push(service);
  stage.supervisorUrl = `http://127.0.0.1:${port}`;
  await until(service, () => fetch(`${stage.supervisorUrl}/healthz`).then(({ ok }) => ok));
  return `${stage.supervisorUrl}, process ${service.pid}`;
}

/** @param {Stage} stage */
function secretFile(stage) {
  return join(stage.guard.folder, "admin-secret");
}

/**
 * Waits until a service does its work; what `ready` rejects with counts as "not yet".
 * @param {import("./guard.mjs").Service} service
 * @param {() => Promise<boolean>} ready
 */
async function until(service, ready) {
  let gone = "";
  void service.exited.then((how) => (gone = how));
  const end = performance.now() + startWithinMs;
  while (performance.now() < end) {
    if (gone) throw new Error(`${service.name} ended at once with ${gone}:\n${service.recent()}`);
    if (await ready().catch(() => false)) return;
    await sleep(50);
  }
  throw new Error(`${service.name} was not there after ${startWithinMs / 1000} s:\n${service.recent()}`);
}

/** The runner has made itself known to the supervisor and sends heartbeats. @param {Stage} stage @param {import("./guard.mjs").Service} service */
async function untilAlive(stage, service) {
  const { SupervisorClient } = await import("@herorunner/job");
  const client = await SupervisorClient.connect(stage.supervisorUrl, { apiKey: stage.adminSecret });
  await until(service, async () => (await client.runner(stage.runner)).alive);
  client.close();
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** @param {Stage} stage */
async function startHerorunner(stage) {
  const state = join(stage.guard.folder, "state");
  await mkdir(state);
  const service = await stage.guard.start({
    name: "herorunner",
    file: join(programs, "herorunner"),
    args: [
      ...["--state-dir", state],
      ...["--drain-timeout", String(drainSeconds)],
      ...["--supervisor", stage.supervisorUrl, "--supervisor-key-file", secretFile(stage)],
      stage.runner,
    ],
    // in the environment, since a URL may hold a password and arguments are public
    env: { ...programEnvironment(), HERORUNNER_REDIS_URL: stage.redisUrl },
    graceMs: (drainSeconds + 5) * 1000,
  });
  stage.running.push(service);
  await untilAlive(stage, service);
  return `runner id ${stage.runner}, process ${service.pid}`;
}

/**
 * The environment of our programs, and so of the jobs: little, and the same wherever npm was called from. On its
 * PATH `hero` is the one of this repository.
 */
function programEnvironment() {
  const inherited = (process.env["PATH"] ?? "").split(delimiter);
  const outside = inherited.filter((folder) => !/node_modules\/\.bin$|node-gyp-bin$/.test(folder));
  const path = [programs, ...outside, dirname(process.execPath)].join(delimiter);
  const kept = ["HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
  const environment = kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  return { ...Object.fromEntries(environment), PATH: path };
}
