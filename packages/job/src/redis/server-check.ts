/**
 * What a runner needs of its Redis, looked up once: at start, and by `herorunner doctor`. Findings are values; the
 * caller decides what to print and whether to go on. What the ACL keeps from us is "unknown", never a failure.
 */
import { QueueError } from "../errors.ts";
import type { RunnerKeys } from "../keys.ts";
import type { RedisConnection, Reply } from "./connection.ts";
import { refusalWord } from "./refusal.ts";
import { textOf } from "./reply.ts";
import { script } from "./script.ts";

export interface ServerFinding {
  readonly name:
    | "reachable"
    | "version"
    | "eviction"
    | "persistence"
    | "memory"
    | "role"
    | "access"
    | "clock"
    | "round trip";
  readonly ok: true | false | "unknown";
  /** What a failure means: `refuse` jobs would be lost, do not start; `warn` say it and go on; `note` a choice with a price. */
  readonly severity: "refuse" | "warn" | "note";
  /** For people: what was found, with its figure. */
  readonly sentence: string;
  /** What to type or change; present when not ok. */
  readonly fix?: string;
}

type Info = ReadonlyMap<string, string> | undefined;

/**
 * Never rejects: a Redis that is away is a finding. `nowMs`: this host's wall clock. Everything is asked at once, for a
 * start waits for it.
 */
export async function checkServer(
  redis: RedisConnection,
  keys: RunnerKeys,
  nowMs: () => number = Date.now,
): Promise<readonly ServerFinding[]> {
  try {
    const reached = redis.send(["PING"]);
    const info = infoOf(redis);
    return await Promise.all([
      reached.then(() => reachable),
      info.then(versionOf),
      info.then((known) => evictionOf(known, redis)),
      info.then((known) => persistenceOf(known, redis)),
      info.then(memoryOf),
      info.then(roleOf),
      accessTo(redis, keys),
      reached.then(() => clockOf(redis, nowMs)),
      reached.then(() => roundTripOf(redis)),
    ]);
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    return [unreachable(error)];
  }
}

const reachable: ServerFinding = {
  name: "reachable",
  ok: true,
  severity: "warn",
  sentence: "Redis answers",
};

function unreachable(error: QueueError): ServerFinding {
  const denied = error.code === "DENIED";
  return {
    name: "reachable",
    ok: false,
    severity: denied ? "refuse" : "warn",
    sentence: error.message,
    fix: denied
      ? "check user and password in --redis-url, and the user's rules with: redis-cli ACL GETUSER <user>"
      : "check that Redis runs and that each host, port and TLS in --redis-url is right, with: redis-cli -h HOST -p PORT PING",
  };
}

const lowestMajor = 7;

function versionOf(info: Info): ServerFinding {
  const common = { name: "version", severity: "refuse" } as const;
  const valkey = info?.get("valkey_version");
  const version = valkey ?? info?.get("redis_version");
  if (version === undefined)
    return unknown({ ...common, what: "the version", need: "it must be Redis 7 or Valkey" });
  const product = valkey === undefined ? "Redis" : "Valkey";
  const sentence = `${product} ${version}`;
  if (Number.parseInt(version, 10) >= lowestMajor) return { ...common, ok: true, sentence };
  const fix = "install Redis 7 or newer, or Valkey: scripts that work on a full Redis need it";
  return { ...common, ok: false, sentence: `${sentence} is too old`, fix };
}

async function evictionOf(info: Info, redis: RedisConnection): Promise<ServerFinding> {
  const common = { name: "eviction", severity: "refuse" } as const;
  const policy = info?.get("maxmemory_policy") ?? (await configOf(redis, "maxmemory-policy"));
  if (policy === undefined) {
    return unknown({ ...common, what: "maxmemory-policy", need: "make sure that it is noeviction" });
  }
  if (policy === "noeviction") return { ...common, ok: true, sentence: "maxmemory-policy is noeviction" };
  return {
    ...common,
    ok: false,
    sentence: `maxmemory-policy is ${policy}: a full Redis would throw away jobs and results`,
    fix: "redis-cli CONFIG SET maxmemory-policy noeviction, and the same line in redis.conf",
  };
}

async function persistenceOf(info: Info, redis: RedisConnection): Promise<ServerFinding> {
  const common = { name: "persistence", severity: "warn" } as const;
  const aof = info?.get("aof_enabled");
  if (aof === undefined)
    return unknown({ ...common, what: "the persistence", need: "make sure that appendonly is yes" });
  if (aof !== "1") {
    return {
      ...common,
      ok: false,
      sentence: "the append-only file is off: when Redis crashes, waiting jobs and results are lost",
      fix: "redis-cli CONFIG SET appendonly yes, and the same line in redis.conf",
    };
  }
  if (info?.get("aof_last_write_status") === "ok") return syncOf(redis);
  const fix = "free space on the disk that holds Redis's data folder, and look into Redis's log";
  return { ...common, ok: false, sentence: "the last write to the append-only file failed", fix };
}

/** How soon an acknowledged write is on disk. Everysec is Redis's own default and a fair choice, but it has its price. */
async function syncOf(redis: RedisConnection): Promise<ServerFinding> {
  const common = { name: "persistence", severity: "warn" } as const;
  const policy = await configOf(redis, "appendfsync");
  if (policy === "always")
    return { ...common, ok: true, sentence: "the append-only file is on, appendfsync is always" };
  if (policy === undefined) {
    return { ...common, ok: true, sentence: "the append-only file is on; appendfsync cannot be read" };
  }
  const everysec = policy === "everysec";
  const price = everysec
    ? "a Redis that is killed can forget up to two seconds of acknowledged jobs and results"
    : "a power cut can take the acknowledged jobs and results of the last half minute";
  return {
    ...common,
    ok: false,
    severity: everysec ? "note" : "warn",
    sentence: `appendfsync is ${policy}: ${price}`,
    fix: "where that must not be, redis-cli CONFIG SET appendfsync always, and the same line in redis.conf",
  };
}

function memoryOf(info: Info): ServerFinding {
  const common = { name: "memory", severity: "warn" } as const;
  const [used, limit] = [Number(info?.get("used_memory")), Number(info?.get("maxmemory"))];
  if (Number.isNaN(used + limit))
    return unknown({ ...common, what: "the memory", need: "see that maxmemory leaves room" });
  if (limit === 0) return { ...common, ok: true, sentence: `${mib(used)} in use, no maxmemory set` };
  const sentence = `${mib(used)} of ${mib(limit)} in use`;
  if (used < 0.9 * limit) return { ...common, ok: true, sentence };
  const fix =
    "raise maxmemory or keep results for a shorter time (--result-ttl); a full Redis takes no new jobs";
  return { ...common, ok: false, sentence, fix };
}

function roleOf(info: Info): ServerFinding {
  const common = { name: "role", severity: "warn" } as const;
  const role = info?.get("role");
  if (role === undefined) return unknown({ ...common, what: "the role", need: "it must be a master" });
  if (role === "master") return { ...common, ok: true, sentence: "it is a master" };
  const fix =
    "point --redis-url at the master, or use redis+sentinel:// so that it is found after a failover";
  return { ...common, ok: false, sentence: "it is a replica and takes no writes", fix };
}

/** Every command that the scripts use, on one key of the runner's own prefix that is gone afterwards. */
const tryAccess = script(
  "try-access",
  `
redis.call('TIME')
local key = KEYS[1]
for _, try in ipairs({
  { 'HSET', key, 'f', 'v' }, { 'HGET', key, 'f' }, { 'HMGET', key, 'f' }, { 'HGETALL', key }, { 'HKEYS', key }, { 'HLEN', key },
  { 'HSTRLEN', key, 'f' }, { 'HDEL', key, 'f' }, { 'LPUSH', key, 'v' }, { 'LRANGE', key, 0, -1 }, { 'LPOS', key, 'v' },
  { 'LTRIM', key, 0, 9 }, { 'LREM', key, 0, 'v' }, { 'RPUSH', key, 'v' }, { 'DEL', key }, { 'ZADD', key, 1, 'v' },
  { 'ZSCORE', key, 'v' }, { 'ZRANGEBYSCORE', key, 0, 1 }, { 'ZREM', key, 'v' }, { 'SET', key, 'v' }, { 'GET', key },
  { 'EXPIRE', key, 1 }, { 'TYPE', key }, { 'DEL', key }, { 'XADD', key, '*', 'f', 'v' }, { 'XREVRANGE', key, '+', '-' }, { 'DEL', key },
}) do
  local answer = redis.pcall(unpack(try))
  if type(answer) == 'table' and answer.err then
    redis.pcall('DEL', key)
    return try[1] .. ': ' .. answer.err
  end
end
return 'OK'
`,
  { allowOom: true },
);

async function accessTo(redis: RedisConnection, keys: RunnerKeys): Promise<ServerFinding> {
  const common = { name: "access", severity: "refuse" } as const;
  const fix = `give the user the rules of docs/operations.md, with the keys ~${keys.prefix}*`;
  try {
    const answer = textOf(await redis.run(tryAccess, [keys.job("doctor-probe~")], []));
    if (answer === "OK")
      return { ...common, ok: true, sentence: `scripts may use the keys under ${keys.prefix}` };
    return { ...common, ok: false, sentence: `the user may not use ${answer.slice(0, 200)}`, fix };
  } catch (error) {
    // A replica refuses scripts that write: that says nothing about the user.
    if (!(error instanceof QueueError) || (error.code === "UNAVAILABLE" && refusalWord(error) === ""))
      throw error;
    const refused = error.code === "DENIED" || /unknown command/i.test(error.message);
    if (refused) return { ...common, ok: false, sentence: error.message, fix };
    return { ...common, ok: "unknown", sentence: error.message, fix: "mend that first, then look again" };
  }
}

const clockWarnMs = 5_000;

async function clockOf(redis: RedisConnection, nowMs: () => number): Promise<ServerFinding> {
  const common = { name: "clock", severity: "warn" } as const;
  const before = nowMs();
  const time = await unlessRefused(redis.send(["TIME"]));
  if (!Array.isArray(time))
    return unknown({ ...common, what: "Redis's clock", need: "it should agree with this host" });
  const redisMs = Number(time[0]) * 1000 + Number(time[1]) / 1000;
  const aheadMs = Math.round(redisMs - (before + nowMs()) / 2);
  const sentence = `Redis's clock is ${Math.abs(aheadMs)} ms ${aheadMs < 0 ? "behind" : "ahead of"} this host's`;
  if (Math.abs(aheadMs) < clockWarnMs) return { ...common, ok: true, sentence };
  const fix =
    "synchronise both hosts (timedatectl set-ntp true); signed jobs are judged by this host's clock";
  return { ...common, ok: false, sentence, fix };
}

async function roundTripOf(redis: RedisConnection): Promise<ServerFinding> {
  const times: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    const before = performance.now();
    await redis.send(["PING"]);
    times.push(performance.now() - before);
  }
  const medianMs = times.sort((a, b) => a - b)[1] ?? 0;
  const common = { name: "round trip", severity: "warn", sentence: `${medianMs.toFixed(1)} ms` } as const;
  if (medianMs < 50) return { ...common, ok: true };
  const fix = "place Redis nearer to the runner: every job costs two or three round trips";
  return { ...common, ok: false, fix };
}

function unknown(of: {
  readonly name: ServerFinding["name"];
  readonly severity: ServerFinding["severity"];
  readonly what: string;
  readonly need: string;
}): ServerFinding {
  const { name, severity, what, need } = of;
  return {
    name,
    severity,
    ok: "unknown",
    sentence: `${what} cannot be read: the server does not allow it`,
    fix: need,
  };
}

/** Undefined where INFO is not allowed. */
async function infoOf(redis: RedisConnection): Promise<Info> {
  const text = await unlessRefused(redis.send(["INFO"]));
  if (!Buffer.isBuffer(text)) return undefined;
  const lines = [...text.toString().matchAll(/^([a-z0-9_]+):(.*?)\r?$/gim)];
  return new Map(lines.map(([, name, value]) => [name ?? "", value ?? ""]));
}

async function configOf(redis: RedisConnection, name: string): Promise<string | undefined> {
  const pair = await unlessRefused(redis.send(["CONFIG", "GET", name]));
  return Array.isArray(pair) && Buffer.isBuffer(pair[1]) ? pair[1].toString() : undefined;
}

/** Undefined when the server refuses this command to us. */
async function unlessRefused(reply: Promise<Reply>): Promise<Reply | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof QueueError && (error.code === "DENIED" || error.code === "REJECTED"))
      return undefined;
    throw error;
  }
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
