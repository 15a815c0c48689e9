/** How Redis is, as far as it tells. Never its address: that is the operator's business. */
import { type ConnectionPool, QueueError } from "@herorunner/job";

const deadlineMs = 2_000;
const wanted: ReadonlyMap<string, string> = new Map([
  ["redis_version", "version"],
  ["valkey_version", "valkey_version"],
  ["used_memory", "used_memory_bytes"],
  ["maxmemory", "max_memory_bytes"],
  ["maxmemory_policy", "max_memory_policy"],
  ["role", "role"],
  ["aof_enabled", "append_only"],
]);

export async function redisFacts(
  redis: ConnectionPool,
  prefix: string,
): Promise<Readonly<Record<string, string | number | boolean>>> {
  const connection = redis.at(prefix);
  const startedMs = performance.now();
  try {
    await connection.send(["PING"], { deadlineMs });
  } catch {
    return { kind: redis.kind, reachable: false };
  }
  const round_trip_ms = Math.round((performance.now() - startedMs) * 100) / 100;
  const info = await connection.send(["INFO"], { deadlineMs }).then(String, () => "");
  return { kind: redis.kind, reachable: true, round_trip_ms, ...factsOf(info) };
}

/**
 * Undefined when Redis takes new jobs, else why it does not. Changes nothing: a script that might write is refused before it
 * runs when Redis is full, a replica, or cannot write its disk.
 */
export async function takesWrites(redis: ConnectionPool, prefix: string): Promise<QueueError | undefined> {
  try {
    await redis.at(prefix).send(["EVAL", "#!lua\nreturn 1", "0"]);
    return undefined;
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    return error;
  }
}

function factsOf(info: string): Record<string, string | number | boolean> {
  const facts: Record<string, string | number | boolean> = {};
  for (const line of info.split("\r\n")) {
    const [name = "", value = ""] = line.split(":", 2);
    const shown = wanted.get(name);
    if (shown === undefined) continue;
    if (shown === "append_only") facts[shown] = value === "1";
    else facts[shown] = /^\d+$/.test(value) ? Number(value) : value;
  }
  return facts;
}
