/**
 * A Redis of our own: unix socket in the guard's folder, no TCP port, append-only file, ended with the guard.
 * Nobody but this user can reach it, and it touches no Redis that runs on this machine already.
 */
import { mkdir, stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onPath } from "./find.mjs";

const startDeadlineMs = 15_000;
const graceMs = 5_000;

/**
 * @typedef {object} PrivateRedis
 * @property {string} url `unix:///…/redis.sock`
 * @property {string} socketPath
 * @property {import("../start/guard.mjs").Service} service
 */

/**
 * @param {import("../start/guard.mjs").Guard} guard Ends the server and removes its data.
 * @param {import("./find.mjs").Server} server From ensureRedisServer().
 * @returns {Promise<PrivateRedis>} Resolves when the server answers.
 */
export async function startPrivateRedis(guard, server) {
  const data = join(guard.folder, "redis");
  await mkdir(data);
  const socketPath = join(guard.folder, "redis.sock");
  const settings = {
    port: "0",
    unixsocket: socketPath,
    unixsocketperm: "700",
    dir: data,
    save: "",
    appendonly: "yes",
    "maxmemory-policy": "noeviction",
    daemonize: "no",
  };
  const service = await guard.start({
    name: "redis",
    file: server.path,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    // a locale that this machine lacks would keep newer servers from starting
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    graceMs,
    quiet: true,
  });
  const ended = service.exited.then((how) => {
    throw new Error(`${server.path} ended with ${how} at its start:\n${service.recent()}`);
  });
  ended.catch(() => undefined);
  await Promise.race([untilItAnswers(socketPath), ended]);
  return { url: `unix://${socketPath}`, socketPath, service };
}

/** @param {string} socketPath */
async function untilItAnswers(socketPath) {
  const deadline = performance.now() + startDeadlineMs;
  while (!(await answersPing(socketPath))) {
    if (performance.now() > deadline)
      throw new Error(`Redis did not answer within ${startDeadlineMs / 1000} s`);
    await sleep(10);
  }
}

/** @param {string} socketPath @returns {Promise<boolean>} */
function answersPing(socketPath) {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath, () => socket.write("PING\r\n"));
    socket.once("data", (data) => {
      resolve(data.toString().startsWith("+PONG"));
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}

/**
 * The command line client to show to people: from PATH, else the one beside the server.
 * @param {import("./find.mjs").Server} server
 */
export async function clientOf(server) {
  for (const name of ["redis-cli", "valkey-cli"]) {
    if ((await onPath(name, process.env)).length > 0) return name;
    const beside = join(dirname(server.path), name);
    if (await stat(beside).catch(() => undefined)) return beside;
  }
  return "redis-cli";
}
