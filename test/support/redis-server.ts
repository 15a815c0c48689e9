/**
 * A private redis-server for one test file: unix socket only, no TCP port, own folder, ended by pid.
 * `redis-server` is taken from PATH or from `HERORUNNER_REDIS_SERVER`, which vitest's global setup fills in.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

export interface RedisServerOptions {
  /** Extra arguments, e.g. `["--appendonly", "yes"]`. */
  readonly args?: readonly string[];
  /** Also listen on 127.0.0.1 at this TCP port. Without it there is only the socket. */
  readonly port?: number;
}

export interface RedisServer extends AsyncDisposable {
  /** `unix:///…/redis.sock` */
  readonly url: string;
  readonly socketPath: string;
  readonly folder: string;
  readonly pid: number;
  /** SIGKILL, as a crash would. The folder stays, so that start() finds its AOF again. */
  kill(): Promise<void>;
  /** Starts the same server again after kill(). */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Starts a server and waits until it accepts connections. The caller stops it. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-redis-"));
  const socketPath = join(folder, "redis.sock");
  let child = await launch(folder, socketPath, options);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGCONT");
    child.kill(signal);
    await gone;
  };
  const stop = async (): Promise<void> => {
    await end("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  };
  return {
    url: `unix://${socketPath}`,
    socketPath,
    folder,
    get pid() {
      return child.pid ?? 0;
    },
    kill: () => end("SIGKILL"),
    start: async () => {
      child = await launch(folder, socketPath, options);
    },
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function launch(
  folder: string,
  socketPath: string,
  options: RedisServerOptions,
): Promise<ChildProcess> {
  await rm(socketPath, { force: true });
  const child = spawn(
    process.env["HERORUNNER_REDIS_SERVER"] ?? "redis-server",
    [
      ...[
        "--port",
        String(options.port ?? 0),
        "--bind",
        "127.0.0.1",
        "--unixsocket",
        socketPath,
        "--dir",
        folder,
      ],
      ...["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--daemonize", "no"],
      ...(options.args ?? []),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const failed = new Promise<never>((_resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`redis-server ended with ${code} at start:\n${said}`)));
  });
  failed.catch(() => undefined);
  await Promise.race([until(() => existsSync(socketPath) && answers(socketPath), "redis answers"), failed]);
  return child;
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const finish = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.once("error", () => finish(false));
    socket.once("data", (data) =>
      finish(data.toString().startsWith("+PONG") || data.toString().startsWith("-NOAUTH")),
    );
    socket.once("connect", () => socket.write("PING\r\n"));
  });
}
