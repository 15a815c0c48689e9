/** A master, a replica and a real Sentinel that watches them (quorum 1, half a second of silence means down). */
import { type ChildProcess, spawn } from "node:child_process";
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
  const { password, sentinelPassword } = options;
  const secrets = password === undefined ? [] : ["--requirepass", password, "--masterauth", password];
  const login = password === undefined ? "" : `:${password}@`;
  const [masterPort, replicaPort, sentinelPort] = [await freePort(), await freePort(), await freePort()];
  const args = [...secrets, "--repl-diskless-sync-delay", "0"];
  const master = await startRedis({ port: masterPort, args });
  const link = options.cuttable === true ? await startTcpProxy(master.socketPath) : undefined;
  const replica = await startRedis({
    port: replicaPort,
    args: [
      ...args,
      "--replicaof",
      `127.0.0.1 ${link?.port ?? masterPort}`,
      "--replica-announce-ip",
      "127.0.0.1",
    ],
  });
  const to = (server: RedisServer): RedisConnection =>
    openConnection({ target: parseRedisUrl(`unix://${login}${server.socketPath}`), routeKey: "" });
  const [masterAdmin, replicaAdmin] = [to(master), to(replica)];
  await until(
    async () => String(await replicaAdmin.send(["INFO", "replication"])).includes("master_link_status:up"),
    "the replica follows",
  );
  const folder = await mkdtemp(join(tmpdir(), "herorunner-sentinel-"));
  const sentinel = await startSentinel(folder, [
    `port ${sentinelPort}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    `sentinel monitor main 127.0.0.1 ${masterPort} 1`,
    "sentinel down-after-milliseconds main 500",
    "sentinel failover-timeout main 3000",
    ...(password === undefined ? [] : [`sentinel auth-pass main ${password}`]),
    ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
  ]);
  const sentinelLogin = sentinelPassword === undefined ? "" : `:${sentinelPassword}@`;
  const asking = openConnection({
    target: parseRedisUrl(`redis://${sentinelLogin}127.0.0.1:${sentinelPort}`),
    routeKey: "",
  });
  const ask = (...command: string[]): Promise<string> =>
    asking.send(["SENTINEL", ...command]).then(flat, () => "");
  await until(
    async () => (await ask("REPLICAS", "main")).includes(`127.0.0.1:${replicaPort}`),
    "the sentinel knows both",
  );
  return {
    ...{ sentinelPort, master, replica, link, masterPort, replicaPort, masterAdmin, replicaAdmin },
    failedOver: () =>
      until(
        async () => (await ask("GET-MASTER-ADDR-BY-NAME", "main")) === `127.0.0.1 ${replicaPort}`,
        "the replica was promoted",
        20_000,
      ),
    [Symbol.asyncDispose]: async () => {
      for (const connection of [asking, masterAdmin, replicaAdmin]) connection.close();
      const gone = once(sentinel, "exit");
      if (sentinel.kill("SIGKILL")) await gone;
      await rm(folder, { recursive: true, force: true });
      await link?.stop();
      await master.stop();
      await replica.stop();
    },
  };
}

function flat(reply: unknown): string {
  return Array.isArray(reply) ? reply.map(flat).join(" ") : String(reply);
}

async function startSentinel(folder: string, lines: readonly string[]): Promise<ChildProcess> {
  const file = join(folder, "sentinel.conf");
  await writeFile(file, `${lines.join("\n")}\n`);
  const program = process.env["HERORUNNER_REDIS_SERVER"] ?? "redis-server";
  const child = spawn(program, [file, "--sentinel"], { stdio: "ignore" });
  process.on("exit", () => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}
