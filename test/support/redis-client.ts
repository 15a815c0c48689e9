/** Redis as a client in any language sees it: plain commands, no SDK. */
import { keysOf, openConnection, parseRedisUrl, type Reply } from "@herorunner/job";
import { until } from "./until.ts";

export type Hash = Readonly<Record<string, string>>;

export interface RedisClient {
  /** One command; text comes back as text. */
  call(...words: readonly string[]): Promise<unknown>;
  hash(key: string): Promise<Hash>;
  /** HSET and LPUSH, as docs/protocol.md shows them. */
  submit(runner: string, id: string, fields: Hash): Promise<void>;
  job(runner: string, id: string): Promise<Hash>;
  /** The job once it is final. */
  final(runner: string, id: string, deadlineMs?: number): Promise<Hash>;
  close(): void;
}

export function connectRedis(url: string): RedisClient {
  const connection = openConnection({ target: parseRedisUrl(url), routeKey: "" });
  const call = async (...words: readonly string[]): Promise<unknown> =>
    readable(await connection.send(words));
  const hash = async (key: string): Promise<Hash> => {
    const flat = (await call("HGETALL", key)) as readonly string[]; // names and values in turn
    return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ""]] : [])));
  };
  const job = (runner: string, id: string): Promise<Hash> => hash(keysOf(runner).job(id));
  return {
    call,
    hash,
    job,
    submit: async (runner, id, fields) => {
      const keys = keysOf(runner);
      if (Object.keys(fields).length > 0) await call("HSET", keys.job(id), ...Object.entries(fields).flat());
      await call("LPUSH", keys.queue, id);
    },
    final: async (runner, id, deadlineMs = 40_000) => {
      const key = keysOf(runner).job(id);
      const isFinal = async (): Promise<boolean> =>
        ["finished", "error"].includes(String(await call("HGET", key, "status")));
      await until(isFinal, `job ${id} is final`, deadlineMs);
      return job(runner, id);
    },
    close: () => connection.close(),
  };
}

function readable(reply: Reply): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return Array.isArray(reply) ? reply.map((one: Reply) => readable(one)) : reply;
}
