/** One client of the Redis library for one node: no offline queue, no reconnects, every reply as bytes, every wait bounded. */
import { createClient, RESP_TYPES } from "@redis/client";
import { afterRunning } from "../running-time.ts";
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
const probeDeadlineMs = 1_000;

export function bareClient(address: NodeAddress, terms: ClientTerms) {
  const tls = terms.tls
    ? { tls: true as const, ...(terms.tlsCa === undefined ? {} : { ca: terms.tlsCa }) }
    : {};
  const endpoint = "path" in address ? { path: address.path, tls: false as const } : { ...address, ...tls };
  // The library does not know a socket that is still connecting: destroying the client would leave it.
  const ended = new AbortController();
  const client = createClient({
    RESP: 2,
    // Its own deadline (0: none) counts time in which we did not run.
    socket: { ...endpoint, signal: ended.signal, connectTimeout: 0, reconnectStrategy: false },
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
  client.once("end", () => ended.abort());
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

/** The answer, or an error at the deadline; then the client is destroyed, because its replies are out of step. */
export async function inTime<T>(answer: Promise<T>, deadlineMs: number, client: Client): Promise<T> {
  let stop: (() => void) | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    stop = afterRunning(deadlineMs, () => {
      reject(new Error(`no answer within ${deadlineMs} ms`));
      destroy(client);
    });
  });
  answer.catch(() => undefined); // it may reject after the deadline has spoken
  try {
    return await Promise.race([answer, late]);
  } finally {
    stop?.();
  }
}

export function connect(client: Client): Promise<unknown> {
  return inTime(client.connect(), connectTimeoutMs, client);
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
