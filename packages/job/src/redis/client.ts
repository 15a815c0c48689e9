/** One client of the Redis library for one node: no offline queue, no reconnects, every reply as bytes, every wait bounded. */
import { createClient, RESP_TYPES } from "@redis/client";
import type { NodeAddress, ProbeClient } from "./locate.ts";
import type { HostPort, RedisCredentials } from "./redis-url.ts";

/** A reply of Redis; every string is bytes, because ids and payloads are foreign. */
export type Reply = null | number | Buffer | readonly Reply[];

export interface ClientTerms {
  readonly credentials: RedisCredentials;
  readonly database: number;
  readonly tls: boolean;
  readonly tlsCa?: string | undefined;
}

const connectTimeoutMs = 2_000;
/** When the library lets go of a socket that did not connect; it counts time in which we did not run, too. */
const forgetSocketMs = 10_000;
const probeDeadlineMs = 1_000;

export function bareClient(address: NodeAddress, terms: ClientTerms) {
  const tls = terms.tls
    ? { tls: true as const, ...(terms.tlsCa === undefined ? {} : { ca: terms.tlsCa }) }
    : {};
  const endpoint = "path" in address ? { path: address.path, tls: false as const } : { ...address, ...tls };
  const client = createClient({
    RESP: 2,
    socket: { ...endpoint, connectTimeout: forgetSocketMs, reconnectStrategy: false },
    ...terms.credentials,
    database: terms.database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    commandOptions: {
      // The library's own deadline makes an AbortSignal for every command; ours is a plain timer and covers more.
      timeout: 0,
      typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer },
    },
  });
  client.on("error", () => undefined); // every command in flight rejects by itself
  return client;
}
export type Client = ReturnType<typeof bareClient>;

/** Sends one command; the reply is bytes and numbers all the way down. */
export function sendTo(client: Client, command: readonly (string | Uint8Array)[]): Promise<Reply> {
  const args = command.map((arg) =>
    typeof arg === "string" ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength),
  );
  // The type mapping makes every string a Buffer, which the library's own types do not express here.
  return client.sendCommand(args) as unknown as Promise<Reply>;
}

/** How many pieces a deadline is counted in. Of the time in which our event loop was held, each counts none but its own. */
const ticks = 10;

/**
 * The answer, or an error after `deadlineMs` in which this process ran: timers run before what has come meanwhile is heard, and
 * a program that got no processor time has not even asked. Then the client is destroyed, because its replies are out of step.
 */
export async function inTime<T>(answer: Promise<T>, deadlineMs: number, client: Client): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let ticksLeft = ticks;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      ticksLeft -= 1;
      if (ticksLeft > 0) return;
      reject(new Error(`no answer within ${deadlineMs} ms`));
      destroy(client);
    }, deadlineMs / ticks);
  });
  answer.catch(() => undefined); // it may reject after the deadline has spoken
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearInterval(timer);
  }
}

export async function connect(client: Client): Promise<void> {
  client.unref(); // a socket that is given up while it connects must not hold the process
  const connected = client.connect();
  try {
    await inTime(connected, connectTimeoutMs, client);
  } catch (error) {
    // The library forgets no socket that is still on its way.
    connected.then(
      () => destroy(client),
      () => undefined,
    );
    throw error;
  }
  client.ref();
}

/** A short-lived client for sentinels and cluster seeds: they have one database. */
export function probeClient(node: HostPort, terms: Omit<ClientTerms, "database">): ProbeClient {
  const client = bareClient(node, { ...terms, database: 0 });
  return {
    connect: () => connect(client),
    sendCommand: (args) => inTime(client.sendCommand(args), probeDeadlineMs, client),
    destroy: () => destroy(client),
  };
}

export function destroy(client: Client): void {
  try {
    client.destroy();
  } catch {
    // already ended
  }
}
