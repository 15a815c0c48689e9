/** Stores for the JobQueue suite: one in memory with a clock of its own, one per key prefix on a real Redis. */
import {
  type JobQueue,
  type LogEntry,
  openConnection,
  parseRedisUrl,
  type RedisConnection,
  RedisJobQueue,
  type RedisQueueOptions,
  type Reply,
} from "@herorunner/job";
import { MemoryQueue, MemoryStore } from "@herorunner/job/testing";
import { cancel } from "../../packages/job/src/lua/cancel.ts";
import { type QueueStore, suiteAdoptGraceMs, suiteLeaseMs } from "../conformance/job-queue.ts";

const terms = { leaseMs: suiteLeaseMs, adoptGraceMs: suiteAdoptGraceMs };

export function memoryQueueStore(): QueueStore & { readonly memory: MemoryStore } {
  let nowMs = 1_700_000_000_000;
  const memory = new MemoryStore({ now: () => nowMs });
  const queues: MemoryQueue[] = [];
  const done = Promise.resolve();
  return {
    memory,
    open: (options = {}) => {
      const queue = new MemoryQueue({ store: memory, ...terms, ...options });
      queues.push(queue);
      return queue;
    },
    write: (id, fields) => (memory.write(id, fields), done),
    push: (id) => (memory.push(id), done),
    fields: (id) =>
      Promise.resolve(
        new Map([...(memory.fields(id) ?? [])].map(([name, value]) => [name, value.toString()])),
      ),
    waiting: () => Promise.resolve(memory.queue.toReversed()),
    taken: () => Promise.resolve([...memory.active]),
    leased: () => Promise.resolve([...memory.leases.keys()]),
    dead: () => Promise.resolve([...memory.dead]),
    reply: (id) => Promise.resolve(memory.replies.get(id)),
    log: (id) => Promise.resolve(memory.logs.get(id) ?? []),
    cancel: (id) => Promise.resolve(memory.cancel(id)),
    passTime: (ms) => ((nowMs += ms), done),
    close: () => {
      for (const queue of queues) queue.close();
      return done;
    },
  };
}

let stores = 0;

export interface RedisQueueStore extends QueueStore {
  readonly redis: RedisConnection;
  readonly prefix: string;
  openRedis(options?: Partial<RedisQueueOptions>): RedisJobQueue;
}

/** A store under a prefix of its own on the server at `url`. */
export function redisQueueStore(url: string): RedisQueueStore {
  const prefix = `suite${(stores += 1)}:`;
  const target = parseRedisUrl(url);
  const redis = openConnection({ target, routeKey: prefix });
  const queues: RedisJobQueue[] = [];
  const openRedis = (options: Partial<RedisQueueOptions> = {}): RedisJobQueue => {
    const defaults = { target, runner: "r", owner: "test", keyPrefix: prefix, blockSeconds: 1 };
    const queue = new RedisJobQueue({ ...defaults, ...terms, ...options });
    queues.push(queue);
    return queue;
  };
  const keys = openRedis().keys;
  const list = async (...command: string[]): Promise<string[]> =>
    flatten(await redis.send(command)).map((one) => one.toString());
  return {
    redis,
    prefix,
    openRedis,
    open: (options): JobQueue => openRedis(options),
    write: async (id, fields) =>
      void (await redis.send(["HSET", keys.job(id), ...Object.entries(fields).flat()])),
    push: async (id) => void (await redis.send(["LPUSH", keys.queue, id])),
    fields: async (id) => new Map(pairs(await list("HGETALL", keys.job(id)))),
    waiting: async () => (await list("LRANGE", keys.queue, "0", "-1")).toReversed(),
    taken: () => list("LRANGE", keys.active, "0", "-1"),
    leased: () => list("ZRANGE", keys.leases, "0", "-1"),
    dead: () => list("LRANGE", keys.dead, "0", "-1"),
    reply: async (id) => (await list("LRANGE", keys.reply(id), "0", "-1"))[0],
    log: async (id) => logEntries(await redis.send(["XRANGE", keys.log(id), "-", "+"])),
    cancel: async (id) => {
      const places = [keys.job(id), keys.queue, keys.reply(id), keys.events];
      const word = String(await redis.run(cancel, places, [id, keys.control, "60"]));
      return word.toLowerCase() as "cancelled" | "requested" | "final" | "missing";
    },
    passTime: async (ms) => {
      for (const id of await list("ZRANGE", keys.leases, "0", "-1")) {
        await redis.send(["ZINCRBY", keys.leases, String(-ms), id]);
      }
      for (const key of await list("KEYS", `${prefix}*:seen:*`)) {
        const left = Number(await redis.send(["PTTL", key]));
        await redis.send(["PEXPIRE", key, String(left - ms)]);
      }
    },
    close: async () => {
      for (const queue of queues) queue.close();
      const left = await list("KEYS", `${prefix}*`);
      if (left.length > 0) await redis.send(["DEL", ...left]);
      redis.close();
    },
  };
}

function flatten(reply: Reply): Buffer[] {
  if (Buffer.isBuffer(reply)) return [reply];
  return Array.isArray(reply) ? (reply as readonly Reply[]).flatMap(flatten) : [];
}

function pairs(flat: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) found.push([flat[i]!, flat[i + 1]!]);
  return found;
}

function logEntries(reply: Reply): (LogEntry & { readonly seq: number })[] {
  return (reply as readonly Reply[]).map((entry) => {
    const [, ...flat] = flatten(entry).map((one) => one.toString());
    const fields = new Map(pairs(flat));
    const stream = fields.get("stream") === "err" ? "err" : "out";
    return {
      stream,
      seq: Number(fields.get("seq")),
      offset: Number(fields.get("offset")),
      data: fields.get("data")!,
    };
  });
}
