/**
 * A private redis-server for one test file: unix socket only, no TCP port, own folder, ended by pid. The program
 * is `HERORUNNER_REDIS_SERVER`, which vitest's global setup fills in, or `redis-server` on PATH.
 * A test that forgets to stop its server does not leave it behind: it is killed when the test process ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
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
  /** Ends the server, whatever its state, and removes the folder. May be called twice. */
  stop(): Promise<void>;
}

const running = new Set<() => void>();
process.on("exit", () => {
  for (const lastResort of running) lastResort();
});

/** Starts a server and waits until it accepts connections. The caller stops it. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-redis-"));
  const socketPath = join(folder, "redis.sock");
  const start = (): Promise<ChildProcess> => launch(folder, socketPath, options);
  let child = await start().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const lastResort = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  running.add(lastResort);
  const stop = async (): Promise<void> => {
    await end(child);
    running.delete(lastResort);
    await rm(folder, { recursive: true, force: true });
  };
  return {
    url: `unix://${socketPath}`,
    socketPath,
    folder,
    get pid() {
      return child.pid ?? 0;
    },
    kill: () => end(child),
    start: async () => {
      child = await start();
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
  const settings = {
    port: String(options.port ?? 0),
    bind: "127.0.0.1",
    unixsocket: socketPath,
    dir: folder,
    save: "",
    appendonly: "no",
    "maxmemory-policy": "noeviction",
    daemonize: "no",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(
    process.env["HERORUNNER_REDIS_SERVER"] ?? "redis-server",
    [...args, ...(options.args ?? [])],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  const listen = (chunk: Buffer): void => void (said = (said + chunk.toString()).slice(-4000));
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  const failed = new Promise<never>((_resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`redis-server ended with ${code} at start:\n${said}`)));
  });
  failed.catch(() => undefined);
  try {
    await Promise.race([until(() => answers(socketPath), "redis answers"), failed]);
  } catch (error) {
    await end(child);
    throw error;
  }
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  // without a pid it never ran, and there will be no exit to wait for
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const finish = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.once("error", () => finish(false));
    socket.once("close", () => finish(false));
    socket.once("data", (data) =>
      finish(data.toString().startsWith("+PONG") || data.toString().startsWith("-NOAUTH")),
    );
    socket.once("connect", () => socket.write("PING\r\n"));
  });
}
