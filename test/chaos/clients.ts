/** The clients of a chaos run: submit jobs by SDK and by plain commands, push twice, cancel; remember what was acknowledged. */
import { ClientError, JobClient, keysOf, QueueError, type RedisConnection } from "@herorunner/job";
import { runnerId } from "./fleet.ts";
import type { Random } from "./random.ts";

export interface Order {
  readonly id: string;
  readonly maxAttempts: number;
  readonly exitCode: number;
  cancelled: boolean;
  /** Redis has answered that the id waits. */
  acknowledged: boolean;
}

export interface Clients {
  readonly orders: readonly Order[];
  readonly secondPushes: number;
  /** Submits until `signal` aborts; resolves when every order is acknowledged. */
  run(ratePerSecond: number, signal: AbortSignal): Promise<void>;
  pushAgain(): Promise<void>;
}

export function openClients(url: string, redis: RedisConnection, random: Random): Clients {
  const orders: Order[] = [];
  const keys = keysOf(runnerId);
  let [client, secondPushes]: [JobClient | undefined, number] = [undefined, 0];

  const submit = async (order: Order): Promise<void> => {
    const seconds = random.between(0, 0.6).toFixed(2);
    const payload = `${seconds} ${order.exitCode}\n`;
    if (random.chance(0.5)) {
      const job = { id: order.id, runner: runnerId, payload, maxAttempts: order.maxAttempts };
      await patiently(async () => {
        client ??= await JobClient.connect(url);
        await client.submit(job);
      });
    } else {
      const fields = ["payload", payload, "max_attempts", String(order.maxAttempts)];
      await patiently(() => redis.send(["HSET", keys.job(order.id), ...fields]));
      // A reply that was lost makes this a second push, as it would for any client.
      await patiently(() => redis.send(["LPUSH", keys.queue, order.id]));
    }
    order.acknowledged = true;
    if (!random.chance(0.02)) return;
    order.cancelled = true;
    await patiently(async () => (await JobClientOf(client, url)).cancel(order.id, { runner: runnerId }));
  };

  return {
    orders,
    get secondPushes() {
      return secondPushes;
    },
    async run(ratePerSecond, signal) {
      const pending = new Set<Promise<void>>();
      while (!signal.aborted) {
        const order: Order = {
          id: `job-${orders.length + 1}`,
          maxAttempts: random.chance(0.3) ? 3 : 1,
          exitCode: random.chance(0.05) ? 3 : 0,
          cancelled: false,
          acknowledged: false,
        };
        orders.push(order);
        const one: Promise<void> = submit(order).finally(() => pending.delete(one));
        pending.add(one);
        await pause((1000 / ratePerSecond) * random.between(0.2, 1.8));
      }
      await Promise.all(pending);
      client?.close();
    },
    async pushAgain() {
      const order = random.pick(orders.slice(-100));
      if (order === undefined || !order.acknowledged) return;
      secondPushes += 1;
      await patiently(() => redis.send(["LPUSH", keys.queue, order.id]));
    },
  };
}

function JobClientOf(client: JobClient | undefined, url: string): Promise<JobClient> {
  return client === undefined ? JobClient.connect(url) : Promise.resolve(client);
}

/** Repeats what Redis did not answer, as a careful client does. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const away =
        (error instanceof QueueError || error instanceof ClientError) && error.code === "UNAVAILABLE";
      if (!away) throw error;
      await pause(100);
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
