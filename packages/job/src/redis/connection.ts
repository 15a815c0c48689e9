/**
 * One Redis connection that is thrown away when it misbehaves and rebuilt by the next command. There is no offline
 * queue and no hidden reconnect loop: a command either is answered in time or rejects with a QueueError, and the
 * caller decides when to come again. So a consumer cannot fall silent, and a blocked pop cannot be sent twice.
 */
import { createClient, ErrorReply, RESP_TYPES } from "@redis/client";
import { QueueError, type QueueErrorCode } from "../errors.ts";
import { locate, type NodeAddress } from "./locate.ts";
import type { RedisTarget } from "./redis-url.ts";
import type { Script } from "./script.ts";

/** A reply of Redis; every string is bytes, because ids and payloads are foreign. */
export type Reply = null | number | Buffer | readonly Reply[];

export interface ConnectionOptions {
  readonly target: RedisTarget;
  /** In a cluster: the connection goes to the node that owns this key's slot. */
  readonly routeKey: string;
  /** PEM text of the authority that signed the server's certificate, for rediss://. */
  readonly tlsCa?: string;
  /** A command that is not answered within this time costs the connection. Default 5000. */
  readonly deadlineMs?: number;
  /** For connections that block: makes interrupt() possible. */
  readonly interruptible?: boolean;
}

export interface RedisConnection {
  /** Sends one command. Rejects with QueueError only. `deadlineMs` replaces the connection's own. */
  send(command: readonly (string | Uint8Array)[], options?: { readonly deadlineMs?: number }): Promise<Reply>;
  run(script: Script, keys: readonly string[], args: readonly (string | Uint8Array)[]): Promise<Reply>;
  /** Receives messages of a channel until the connection breaks or closes. Resolves when subscribed. */
  subscribe(channel: string, onMessage: (message: string) => void, onLost: () => void): Promise<void>;
  /**
   * Ends a blocking command of this connection early, through another connection: it answers as if its time were up.
   * Where CLIENT UNBLOCK is not allowed the connection is dropped instead.
   */
  interrupt(via: RedisConnection): Promise<void>;
  /** Ends the connection now; commands in flight reject. A later command opens it again unless closed. */
  drop(): void;
  /** Ends the connection for good. */
  close(): void;
}

const connectTimeoutMs = 2_000;

function bareClient(address: NodeAddress, options: ConnectionOptions) {
  const { target } = options;
  const tls = target.tls
    ? { tls: true as const, ...(options.tlsCa === undefined ? {} : { ca: options.tlsCa }) }
    : {};
  const endpoint = "path" in address ? { path: address.path, tls: false as const } : { ...address, ...tls };
  const client = createClient({
    RESP: 2,
    socket: { ...endpoint, connectTimeout: connectTimeoutMs, reconnectStrategy: false },
    ...target.credentials,
    database: target.database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer } },
  });
  client.on("error", () => undefined); // every command in flight rejects by itself
  return client;
}
type Client = ReturnType<typeof bareClient>;

/** Connects lazily, at the first command. The caller closes it. */
export function openConnection(options: ConnectionOptions): RedisConnection {
  return new LazyConnection(options);
}

class LazyConnection implements RedisConnection {
  readonly #options: ConnectionOptions;
  #client: Promise<Client> | undefined;
  readonly #clientIds = new WeakMap<Client, number>();
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  async send(
    command: readonly (string | Uint8Array)[],
    options: { readonly deadlineMs?: number } = {},
  ): Promise<Reply> {
    const connecting = this.#connect();
    const client = await connecting;
    try {
      const args = command.map((arg) => (typeof arg === "string" ? arg : Buffer.from(arg)));
      // The type mapping above makes every string a Buffer, which the client's own types do not express here.
      const sent = client.sendCommand(args) as unknown as Promise<Reply>;
      return await this.#inTime(sent, options.deadlineMs ?? this.#options.deadlineMs ?? 5_000, client);
    } catch (error) {
      const failure = toQueueError(error);
      if (failure.code === "UNAVAILABLE") this.#discard(connecting, client);
      throw failure;
    }
  }

  async run(script: Script, keys: readonly string[], args: readonly (string | Uint8Array)[]): Promise<Reply> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.send(["EVALSHA", script.sha1, ...rest]);
    } catch (error) {
      if (!(error instanceof QueueError && error.message.includes("NOSCRIPT"))) throw error;
      return this.send(["EVAL", script.source, ...rest]);
    }
  }

  async subscribe(channel: string, onMessage: (message: string) => void, onLost: () => void): Promise<void> {
    const connecting = this.#connect();
    const client = await connecting;
    client.once("error", onLost);
    client.once("end", onLost);
    try {
      const deadlineMs = this.#options.deadlineMs ?? 5_000;
      await this.#inTime(client.subscribe(channel, onMessage), deadlineMs, client);
    } catch (error) {
      this.#discard(connecting, client);
      throw toQueueError(error);
    }
  }

  async interrupt(via: RedisConnection): Promise<void> {
    const clientId = this.#client === undefined ? undefined : this.#clientIds.get(await this.#client);
    try {
      if (clientId === undefined) throw new QueueError("REJECTED", "the id of the connection is not known");
      await via.send(["CLIENT", "UNBLOCK", String(clientId)], { deadlineMs: 1_000 });
    } catch {
      this.drop();
    }
  }

  drop(): void {
    const connecting = this.#client;
    this.#client = undefined;
    connecting?.then(destroy, () => undefined);
  }

  close(): void {
    this.#closed = true;
    this.drop();
  }

  #connect(): Promise<Client> {
    if (this.#closed) return Promise.reject(new QueueError("UNAVAILABLE", "the Redis connection is closed"));
    if (this.#client === undefined) {
      const connecting = this.#open();
      this.#client = connecting;
      connecting.catch(() => this.#forget(connecting));
    }
    return this.#client;
  }

  async #open(): Promise<Client> {
    const { target } = this.#options;
    try {
      const address = await locate(target, this.#options.routeKey, (node) => bareClient(node, this.#options));
      const client = bareClient(address, this.#options);
      await this.#inTime(client.connect(), connectTimeoutMs + 1_000, client);
      if (this.#options.interruptible === true) await this.#rememberId(client);
      if (this.#closed) destroy(client);
      return client;
    } catch (error) {
      throw toQueueError(error, `Redis at ${target.shown}`);
    }
  }

  async #rememberId(client: Client): Promise<void> {
    const id = await this.#inTime(client.sendCommand(["CLIENT", "ID"]), 2_000, client).catch(
      (error: unknown) => {
        if (!(error instanceof ErrorReply)) throw error;
      },
    );
    if (typeof id === "number") this.#clientIds.set(client, id);
  }

  async #inTime<T>(answer: Promise<T>, deadlineMs: number, client: Client): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new QueueError("UNAVAILABLE", `Redis did not answer within ${deadlineMs} ms`));
        destroy(client);
      }, deadlineMs);
    });
    answer.catch(() => undefined); // it may reject after the deadline has spoken
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #discard(connecting: Promise<Client>, client: Client): void {
    this.#forget(connecting);
    destroy(client);
  }

  #forget(connecting: Promise<Client>): void {
    if (this.#client === connecting) this.#client = undefined;
  }
}

function destroy(client: Client): void {
  try {
    client.destroy();
  } catch {
    // already ended
  }
}

/** By the first word of Redis's own answer; anything without one is a matter of the connection. */
const codeOfWord: ReadonlyMap<string, QueueErrorCode> = new Map([
  ["NOAUTH", "DENIED"],
  ["WRONGPASS", "DENIED"],
  ["NOPERM", "DENIED"],
  ["OOM", "FULL"],
  ["MOVED", "UNAVAILABLE"],
  ["ASK", "UNAVAILABLE"],
  ["TRYAGAIN", "UNAVAILABLE"],
  ["CLUSTERDOWN", "UNAVAILABLE"],
  ["READONLY", "UNAVAILABLE"],
  ["LOADING", "UNAVAILABLE"],
  ["MASTERDOWN", "UNAVAILABLE"],
  ["BUSY", "UNAVAILABLE"],
  ["UNBLOCKED", "UNAVAILABLE"],
]);

export function toQueueError(error: unknown, where = "Redis"): QueueError {
  if (error instanceof QueueError) return error;
  const text = error instanceof Error ? error.message || error.name : String(error);
  if (error instanceof ErrorReply) {
    const word = text.split(" ", 1)[0] ?? "";
    return new QueueError(codeOfWord.get(word) ?? "REJECTED", `${where} refuses: ${text}`, { cause: error });
  }
  return new QueueError("UNAVAILABLE", `${where} is not reachable: ${text}`, { cause: error });
}
