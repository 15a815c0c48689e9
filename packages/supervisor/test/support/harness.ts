/** A private Redis and supervisors on it, with a caller that holds every answer to the schema of its method. */
import {
  keysOf,
  openConnection,
  parseRedisUrl,
  type RedisConnection,
  RedisJobQueue,
  RedisPresence,
  type RunnerKeys,
} from "@herorunner/job";
import { createLogger, type RootLogger } from "@herorunner/daemon";
import { expect } from "vitest";
import { type RedisServer, startRedis } from "../../../../test/support/redis-server.ts";
import { table } from "../../src/rpc/methods.ts";
import { startSupervisor, type Supervisor, type SupervisorOptions } from "../../src/supervisor.ts";
import type { MethodName, MethodParams, MethodResult } from "../../src/client.ts";

export const adminSecret = "an admin secret for tests only";

export interface RpcReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly id?: unknown;
    readonly result?: unknown;
    readonly error?: { code: number; message: string; data: Record<string, unknown> };
  };
}

export interface Served {
  readonly supervisor: Supervisor;
  readonly port: number;
  readonly url: string;
  readonly log: () => string;
  /** The result of a call that must succeed, checked against the method's schema. */
  call<M extends MethodName>(method: M, params: MethodParams<M>, key?: string): Promise<MethodResult<M>>;
  /** The error of a call that must fail. */
  fail(method: string, params: unknown, key?: string): Promise<NonNullable<RpcReply["body"]["error"]>>;
  post(body: string | Uint8Array, headers?: Record<string, string>): Promise<RpcReply>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export interface Harness {
  readonly server: RedisServer;
  readonly redis: RedisConnection;
  /** Another supervisor on the same Redis, closed with the harness. */
  serve(options?: Partial<SupervisorOptions>): Promise<Served>;
  /** A fresh runner id, and what a runner of it does. */
  runner(): StandIn;
  stop(): Promise<void>;
}

export async function startHarness(): Promise<Harness> {
  const server = await startRedis();
  const redis = openConnection({ target: parseRedisUrl(server.url), routeKey: "x" });
  const closing: (() => Promise<void> | void)[] = [];
  let runners = 0;
  return {
    server,
    redis,
    serve: async (options = {}) => {
      const served = await serve({ redisUrl: server.url, ...options });
      closing.push(() => served.close());
      return served;
    },
    runner: () => {
      const standIn = new StandIn(`runner-${(runners += 1)}`, server.url);
      closing.push(() => standIn.close());
      return standIn;
    },
    stop: async () => {
      for (const close of closing.toReversed()) await close();
      redis.close();
      await server.stop();
    },
  };
}

async function serve(options: Partial<SupervisorOptions> & { readonly redisUrl: string }): Promise<Served> {
  const written: string[] = [];
  const logger = recordingLogger(written);
  const supervisor = await startSupervisor({ host: "127.0.0.1", port: 0, adminSecret, logger, ...options });
  const url = `http://127.0.0.1:${supervisor.port}`;
  let closed = false;
  const post: Served["post"] = async (body, headers = {}) => {
    const response = await fetch(`${url}/rpc`, {
      method: "POST",
      body,
      headers: {
        ...{ Authorization: `Bearer ${adminSecret}`, "Content-Type": "application/json" },
        ...headers,
      },
    });
    const text = await response.text();
    const parsed: unknown = text === "" ? {} : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: parsed as RpcReply["body"] };
  };
  const request = (method: string, params: unknown, key?: string): Promise<RpcReply> =>
    post(
      JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      key === undefined ? {} : { Authorization: `Bearer ${key}` },
    );
  return {
    ...{ supervisor, url, post, port: supervisor.port },
    log: () => written.join(""),
    call: async (method, params, key) => {
      const { body } = await request(method, params, key);
      expect(body.error, `${method} failed`).toBeUndefined();
      const checked = table()[method]!.result.safeParse(body.result);
      expect(checked.error, `the result of ${method} has another shape`).toBeUndefined();
      return body.result as never;
    },
    fail: async (method, params, key) => {
      const { body } = await request(method, params, key);
      expect(body.result, `${method} should have failed`).toBeUndefined();
      return body.error!;
    },
    get: (path, headers = {}) =>
      fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${adminSecret}`, ...headers } }),
    close: async () => {
      if (closed) return;
      closed = true;
      await supervisor.close(AbortSignal.abort());
    },
  };
}

function recordingLogger(written: string[]): RootLogger {
  const stream = {
    writableLength: 0,
    write: (text: string, done?: () => void) => {
      written.push(text);
      done?.();
      return true;
    },
    on: () => undefined,
  };
  return createLogger({ level: "DEBUG", format: "text", out: stream, err: stream });
}

/** Does in Redis what a runner does, one step at a time. */
export class StandIn {
  readonly id: string;
  readonly keys: RunnerKeys;
  readonly queue: RedisJobQueue;
  readonly presence: RedisPresence;
  readonly #listening = new AbortController();
  #beating: NodeJS.Timeout | undefined;

  constructor(id: string, redisUrl: string) {
    const target = parseRedisUrl(redisUrl);
    this.id = id;
    this.keys = keysOf(id);
    this.queue = new RedisJobQueue({ target, runner: id, owner: "stand-in", blockSeconds: 1 });
    this.presence = new RedisPresence({ target, runner: id });
  }

  /** Heartbeats, and ears for pings. */
  async appear(): Promise<void> {
    const beat = () =>
      this.presence.beat({
        ...{ owner: "stand-in", host: "here", pid: 7, version: "1.2.3", isolation: "group" },
        ...{ signatures: "off", slots: 2, busy: 0, lastPollMs: 12 },
      });
    await beat();
    // Some tests take longer than one heartbeat counts; in others Redis is away.
    this.#beating ??= setInterval(() => void beat().catch(() => undefined), 5_000);
    const deaf = (): void => undefined;
    void this.presence
      .listen({ owner: "stand-in", onCancel: deaf, onSettings: deaf }, this.#listening.signal)
      .catch(() => undefined);
  }

  /** The farewell of a runner that stops. */
  async leave(): Promise<void> {
    clearInterval(this.#beating);
    this.#beating = undefined;
    await this.presence.leave("stand-in");
  }

  /** Takes the next job and starts it. */
  async take() {
    const [claim] = await this.queue.claim(new AbortController().signal);
    if (claim === undefined) throw new Error("there was nothing to take");
    await this.queue.start(claim);
    return claim;
  }

  /** Takes the next job and ends it well with this output. */
  async finish(stdout: string): Promise<void> {
    const claim = await this.take();
    const output = { stdout, stderr: "", stdoutBytes: stdout.length, stderrBytes: 0, droppedBytes: 0 };
    await this.queue.settle(claim, { kind: "finished", output });
  }

  close(): void {
    clearInterval(this.#beating);
    this.#listening.abort();
    this.queue.close();
    this.presence.close();
  }
}
