/** A supervisor, put together: what it needs is opened here, in order, and closed again in reverse. */
import type { IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import { type Logger, type Metrics, noMetrics, type Tracing, type Verdict } from "@herorunner/daemon";
import {
  ConnectionPool,
  defaultKeyPrefix,
  JobClient,
  parseRedisUrl,
  type QueueErrorCode,
} from "@herorunner/job";
import { fingerprint } from "./auth/admin-secret.ts";
import { ApiKeys } from "./auth/api-keys.ts";
import { FailedLogins } from "./auth/failed-logins.ts";
import { Login } from "./auth/login.ts";
import { Sessions } from "./auth/sessions.ts";
import { visit } from "./http/app.ts";
import type { AppOptions } from "./http/visit.ts";
import { BodyReader } from "./http/body.ts";
import { Guard } from "./http/guard.ts";
import { defaultLimits, type HttpServer, type ServerLimits, startServer } from "./http/server.ts";
import { maxRunners } from "./metric-table.ts";
import { createCounters, watchSupervisor } from "./metrics.ts";
import { readPageFiles } from "./page/page-files.ts";
import type { Services } from "./rpc/method.ts";
import { table } from "./rpc/methods.ts";
import { openRpcDocument } from "./rpc/openrpc.ts";
import { EventHub } from "./sse/event-hub.ts";
import { defaultStreamLimits, type StreamLimits } from "./sse/event-stream.ts";
import { Streams } from "./sse/streams.ts";
import { JobStore } from "./store/jobs.ts";
import { redisFacts, takesWrites } from "./store/redis-facts.ts";
import { RedisWatch } from "./store/redis-watch.ts";
import { RunnerRegistry } from "./store/runners.ts";
import { submitTraces } from "./store/submit-traces.ts";
import { build } from "./version.ts";

export interface SupervisorOptions {
  readonly redisUrl: string;
  readonly tlsCa?: string;
  readonly keyPrefix?: string;
  readonly host: string;
  /** 0 takes any. */
  readonly port: number;
  readonly adminSecret: string;
  readonly allowedHosts?: readonly string[];
  readonly allowedOrigins?: readonly string[];
  readonly tlsProxy?: boolean;
  readonly metrics?: Metrics;
  /** Closed by its owner. */
  readonly tracing?: Tracing;
  readonly logger: Logger;
  readonly limits?: Partial<ServerLimits & StreamLimits & { readonly maxBodyBytes: number }>;
}

export interface Supervisor {
  readonly port: number;
  readonly connections: number;
  readonly streams: number;
  /** Ends streams and waits, lets calls under way finish until `force` aborts, closes everything. May be called once. */
  close(force: AbortSignal): Promise<void>;
}

const maxBodyBytes = 16 * 1024 * 1024;
const maxTotalBodyBytes = 256 * 1024 * 1024;

/** Starts to serve; does not wait for Redis, see /readyz. Rejects when the address cannot be had. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const draining = new AbortController();
  const parts = openParts(options, draining.signal);
  const { app, streams } = parts;
  const redis = parts.redisWatch;
  let server: HttpServer;
  try {
    server = await startServer({
      ...{ host: options.host, port: options.port },
      limits: { ...defaultLimits, ...options.limits },
      onRequest: (request, response) => void visit(app, request, response),
      onError: (error) => options.logger.error({ error }, "HTTP server failed"),
    });
  } catch (error) {
    parts.close();
    throw error;
  }
  watchSupervisor(app.metrics, {
    ...{ build, redis, streams, connections: () => server.connections },
    spans: () => options.tracing?.counts() ?? { sent: 0, dropped: 0 },
  });
  return {
    port: server.port,
    get connections() {
      return server.connections;
    },
    get streams() {
      return streams.count;
    },
    close: async (force) => {
      draining.abort();
      streams.endAll();
      await server.close(force);
      parts.close();
    },
  };
}

interface Parts {
  readonly app: AppOptions;
  readonly streams: Streams;
  readonly redisWatch: RedisWatch;
  close(): void;
}

function openParts(options: SupervisorOptions, draining: AbortSignal): Parts {
  const { redisUrl, adminSecret, logger, tlsProxy = false, keyPrefix: prefix = defaultKeyPrefix } = options;
  const tls = options.tlsCa === undefined ? {} : { tlsCa: options.tlsCa };
  const metrics = options.metrics ?? noMetrics;
  const counters = createCounters(metrics);
  const redis = new ConnectionPool({
    ...{ target: parseRedisUrl(redisUrl), onReopened: counters.reconnected },
    ...tls,
  });
  const client = JobClient.open(redisUrl, { keyPrefix: prefix, ...tls });
  const runners = new RunnerRegistry(redis, prefix);
  const keys = new ApiKeys(redis, prefix);
  const failures = new FailedLogins({ nowMs: () => performance.now() });
  const streams = new Streams({ ...defaultStreamLimits, ...options.limits });
  const sessions = new Sessions({
    ...{ redis, prefix, keys, secure: tlsProxy, adminFingerprint: fingerprint(adminSecret) },
  });
  const onFailure = (address: string): void => {
    counters.wrongKey();
    logger.info({ address }, "wrong key");
  };
  const traced = options.tracing && { traces: submitTraces(options.tracing, prefix) };
  const bodyLimit = options.limits?.maxBodyBytes ?? maxBodyBytes;
  const app: AppOptions = {
    services: {
      info: infoOf(redis, prefix),
      jobs: new JobStore({ client, redis, runners, prefix, onSubmitted: counters.submitted, ...traced }),
      ...{ runners, keys },
    },
    login: new Login({ adminSecret, keys, sessions, failures, onFailure }),
    ...{ sessions, streams, draining, logger },
    guard: guardOf(options),
    bodies: new BodyReader({ maxBytes: bodyLimit, maxTotalBytes: maxTotalBodyBytes }),
    hub: new EventHub(runners, logger),
    files: readPageFiles(fileURLToPath(new URL("../public/", import.meta.url))),
    rpc: {
      methods: new Map(Object.entries(table())),
      maxBodyBytes: bodyLimit,
      onCall: counters.call,
      onBug: (error, method) => logger.error({ error, method }, "a call failed, this is a bug"),
      onRefused: refusalLog(logger),
    },
    openRpc: () => openRpcDocument(table()),
    metrics,
    onLimited: counters.limited,
    ready: () => readiness(redis, prefix, draining),
    addressOf: (request) => addressOf(request, tlsProxy),
  };
  return {
    app,
    streams,
    redisWatch: new RedisWatch({ redis, prefix, runners, maxRunners }),
    close: () => {
      client.close();
      redis.close();
    },
  };
}

const sayAgainMs = 60_000;

/** Says what Redis refuses in Redis's own words; the same words once a minute. */
function refusalLog(logger: Logger): (error: unknown, method: string) => void {
  let said = { words: "", atMs: 0 };
  return (error, method) => {
    const words = error instanceof Error ? error.message : String(error);
    const nowMs = performance.now();
    if (words === said.words && nowMs - said.atMs < sayAgainMs) return;
    said = { words, atMs: nowMs };
    logger.error({ method, error: words }, "Redis refuses what a call needs");
  };
}

function guardOf({ allowedHosts = [], allowedOrigins = [], tlsProxy = false }: SupervisorOptions): Guard {
  return new Guard({ allowedHosts, allowedOrigins, behindTls: tlsProxy });
}

function infoOf(redis: ConnectionPool, prefix: string): Services["info"] {
  const startedMs = performance.now();
  return async () => ({
    key_prefix: prefix,
    redis: await redisFacts(redis, prefix),
    uptime_ms: Math.round(performance.now() - startedMs),
  });
}

async function readiness(redis: ConnectionPool, prefix: string, draining: AbortSignal): Promise<Verdict> {
  if (draining.aborted) return { reasons: ["the supervisor is stopping"] };
  const { reachable, round_trip_ms: ms = null } = await redisFacts(redis, prefix);
  if (reachable !== true) return { reasons: ["Redis does not answer"], details: { redis_round_trip_ms: ms } };
  const refusal = await takesWrites(redis, prefix);
  const details = { redis_round_trip_ms: ms, redis_trouble: refusal?.code.toLowerCase() ?? null };
  return { reasons: refusal === undefined ? [] : [refusalSentence(refusal.code)], details };
}

/** Without the words of Redis, which may name its address. */
function refusalSentence(code: QueueErrorCode): string {
  switch (code) {
    case "FULL":
      return "Redis is full: it takes no new jobs";
    case "DENIED":
      return "Redis refuses the supervisor: password or permissions";
    case "UNAVAILABLE":
    case "REJECTED":
      return "Redis takes no writes: it may be a replica, miss its own replicas, or be unable to write its disk";
  }
}

/** Behind a proxy everybody has the proxy's address; the last one in the header is what the proxy itself saw. */
function addressOf(request: IncomingMessage, behindProxy: boolean): string {
  const own = request.socket.remoteAddress ?? "";
  if (!behindProxy) return own;
  const forwarded = String(request.headers["x-forwarded-for"] ?? "")
    .split(",")
    .at(-1);
  return forwarded?.trim().slice(0, 64) || own;
}
