/**
 * A master, a replica and a real Sentinel that watches them, quorum 1. Only a master that was killed is down, after half a second:
 * one that is silent for so long may just have to wait for its processor.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openConnection, parseRedisUrl, type RedisConnection } from "@herorunner/job";
import { freePort } from "./free-port.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { until } from "./until.ts";

export interface SentinelOptions {
  /** Of master and replica. */
  readonly password?: string;
  /** Of the sentinel itself. */
  readonly sentinelPassword?: string;
  /** Replication goes through a proxy, `link`, that can cut it. Good for some seconds; then the sentinel mends it. */
  readonly cuttable?: boolean;
}

export interface RedisWithSentinel extends AsyncDisposable {
  readonly sentinelPort: number;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly link: TcpProxy | undefined;
  readonly masterPort: number;
  readonly replicaPort: number;
  /** Connections to one server each, wherever the master is. */
  readonly masterAdmin: RedisConnection;
  readonly replicaAdmin: RedisConnection;
  /** Resolves when the sentinel names the replica as the new master. */
  failedOver(): Promise<void>;
}

export async function startWithSentinel(options: SentinelOptions = {}): Promise<RedisWithSentinel> {
  const disposers: (() => unknown)[] = [];
  const dispose = async (): Promise<void> => {
    for (const end of disposers.splice(0).toReversed()) await end();
  };
  try {
    return { ...(await start(options, disposers)), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

const neverMs = 600_000;
const silentMs = 500;

async function start(
  options: SentinelOptions,
  disposers: (() => unknown)[],
): Promise<Omit<RedisWithSentinel, typeof Symbol.asyncDispose>> {
  const { password, sentinelPassword } = options;
  const secrets = password === undefined ? [] : ["--requirepass", password, "--masterauth", password];
  const login = password === undefined ? "" : `:${password}@`;
  const [masterPort, replicaPort, sentinelPort] = [await freePort(), await freePort(), await freePort()];
  const args = [...secrets, "--repl-diskless-sync-delay", "0"];
  const owned = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const started = await starting;
    disposers.push(() => started.stop());
    return started;
  };
  const connect = (url: string): RedisConnection => {
    const connection = openConnection({ target: parseRedisUrl(url), routeKey: "" });
    disposers.push(() => connection.close());
    return connection;
  };
  const master = await owned(startRedis({ port: masterPort, args }));
  const link = options.cuttable === true ? await owned(startTcpProxy(master.socketPath)) : undefined;
  const follow = [
    "--replicaof",
    `127.0.0.1 ${link?.port ?? masterPort}`,
    "--replica-announce-ip",
    "127.0.0.1",
  ];
  const replica = await owned(startRedis({ port: replicaPort, args: [...args, ...follow] }));
  const masterAdmin = connect(`unix://${login}${master.socketPath}`);
  const replicaAdmin = connect(`unix://${login}${replica.socketPath}`);
  const replication = async (): Promise<string> => String(await replicaAdmin.send(["INFO", "replication"]));
  await until(async () => (await replication()).includes("master_link_status:up"), "the replica follows");
  await startSentinel(disposers, [
    `port ${sentinelPort}`,
    "bind 127.0.0.1",
    `sentinel monitor main 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds main ${neverMs}`,
    "sentinel failover-timeout main 3000",
    ...(password === undefined ? [] : [`sentinel auth-pass main ${password}`]),
    ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
  ]);
  const sentinelLogin = sentinelPassword === undefined ? "" : `:${sentinelPassword}@`;
  const asking = connect(`redis://${sentinelLogin}127.0.0.1:${sentinelPort}`);
  const ask = (...command: string[]): Promise<string> =>
    asking.send(["SENTINEL", ...command]).then(flat, () => "");
  const knowsBoth = async (): Promise<boolean> =>
    (await ask("REPLICAS", "main")).includes(`127.0.0.1:${replicaPort}`);
  await until(knowsBoth, "the sentinel knows both");
  const promoted = async (): Promise<boolean> =>
    (await ask("GET-MASTER-ADDR-BY-NAME", "main")) === `127.0.0.1 ${replicaPort}`;
  const mortal: RedisServer = {
    ...master,
    kill: async () => {
      await asking.send(["SENTINEL", "SET", "main", "down-after-milliseconds", String(silentMs)]);
      await master.kill();
    },
  };
  return {
    ...{ sentinelPort, master: mortal, replica, link, masterPort, replicaPort, masterAdmin, replicaAdmin },
    failedOver: () => until(promoted, "the replica was promoted"),
  };
}

function flat(reply: unknown): string {
  return Array.isArray(reply) ? reply.map(flat).join(" ") : String(reply);
}

async function startSentinel(disposers: (() => unknown)[], lines: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-sentinel-"));
  disposers.push(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "sentinel.conf");
  await writeFile(file, `${[...lines, `dir ${folder}`].join("\n")}\n`);
  const program = process.env["HERORUNNER_REDIS_SERVER"] ?? "redis-server";
  const child = spawn(program, [file, "--sentinel"], { stdio: "ignore" });
  const lastResort = (): void => void child.kill("SIGKILL");
  process.once("exit", lastResort);
  disposers.push(async () => {
    process.off("exit", lastResort);
    const gone = once(child, "exit");
    if (child.kill("SIGKILL")) await gone;
  });
  await once(child, "spawn");
}
