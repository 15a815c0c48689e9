/**
 * Connections for commands on any key: one for a single Redis, one per node of a cluster however many keys there are.
 * In a cluster the map of slots is read once and again when it turns out to be old; a command that was sent to a former
 * owner was not carried out, so it is sent once more to the right one.
 */
import { QueueError } from "../errors.ts";
import { openConnection, type RedisConnection, type Reply } from "./connection.ts";
import type { RedisTarget } from "./redis-url.ts";
import { refusalWord } from "./refusal.ts";
import { keySlot } from "./slot.ts";

/** What a connection of a pool is for; blocking and subscribing need one of their own. */
export type Commands = Pick<RedisConnection, "send" | "run">;

export interface PoolOptions {
  readonly target: RedisTarget;
  /** PEM text for rediss://. */
  readonly tlsCa?: string;
  /** A connection was lost and stands again. */
  readonly onReopened?: () => void;
}

export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #all = new Set<RedisConnection>();
  #single: RedisConnection | undefined;
  #cluster: ClusterNodes | undefined;
  #closed = false;

  /** Connects at the first command. The caller closes it. */
  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get kind(): RedisTarget["kind"] {
    return this.#options.target.kind;
  }

  /** For commands on this key and others of its slot. */
  at(key: string): Commands {
    if (this.kind !== "cluster") return (this.#single ??= this.open(key));
    const nodes = (this.#cluster ??= new ClusterNodes(this.open(key), (at) => this.#openNode(at)));
    return {
      send: (command, options) => nodes.use(key, (connection) => connection.send(command, options)),
      run: (script, keys, args) => nodes.use(key, (connection) => connection.run(script, keys, args)),
    };
  }

  /** A connection of its own to where this key is. Closed with the pool, or earlier by the caller. */
  open(key: string): RedisConnection {
    return this.#add(this.#options.target, key);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#all) connection.close();
    this.#all.clear();
  }

  #openNode(node: { readonly host: string; readonly port: number }): RedisConnection {
    const { credentials, tls, shown } = this.#options.target;
    return this.#add({ kind: "single", node, credentials, tls, shown, database: 0 }, "");
  }

  #add(target: RedisTarget, routeKey: string): RedisConnection {
    if (this.#closed) throw new QueueError("UNAVAILABLE", "the connections to Redis are closed");
    const { tlsCa, onReopened = () => undefined } = this.#options;
    const tls = tlsCa === undefined ? {} : { tlsCa };
    const connection = openConnection({ target, routeKey, onReopened, ...tls });
    this.#all.add(connection);
    const close = connection.close.bind(connection);
    return Object.assign(connection, {
      close: () => {
        this.#all.delete(connection);
        close();
      },
    });
  }
}

interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly host: string;
  readonly port: number;
}

class ClusterNodes {
  readonly #seed: RedisConnection;
  readonly #open: (node: SlotRange) => RedisConnection;
  readonly #nodes = new Map<string, RedisConnection>();
  #map: Promise<readonly SlotRange[]> | undefined;

  constructor(seed: RedisConnection, open: (node: SlotRange) => RedisConnection) {
    this.#seed = seed;
    this.#open = open;
  }

  async use(key: string, send: (connection: RedisConnection) => Promise<Reply>): Promise<Reply> {
    const connection = await this.#owner(key);
    try {
      return await send(connection);
    } catch (error) {
      // Whatever made the node unreachable may have made another one the owner.
      if (error instanceof QueueError && error.code === "UNAVAILABLE") this.#map = undefined;
      if (!(error instanceof QueueError) || refusalWord(error) !== "MOVED") throw error;
      return send(await this.#owner(key));
    }
  }

  async #owner(key: string): Promise<RedisConnection> {
    const slot = keySlot(key);
    const range = (await (this.#map ??= this.#readMap())).find(({ from, to }) => from <= slot && slot <= to);
    if (range === undefined) {
      this.#map = undefined;
      throw new QueueError("UNAVAILABLE", `no node of the cluster owns slot ${slot}`);
    }
    const name = `${range.host}:${range.port}`;
    const connection = this.#nodes.get(name) ?? this.#open(range);
    this.#nodes.set(name, connection);
    return connection;
  }

  #readMap(): Promise<readonly SlotRange[]> {
    const reading = this.#seed.send(["CLUSTER", "SLOTS"]).then(readRanges);
    reading.catch(() => {
      if (this.#map === reading) this.#map = undefined;
    });
    return reading;
  }
}

/** Nodes that do not know their own name answer an empty one, or "?": connecting by the seeds is all that is left then. */
function readRanges(reply: Reply): readonly SlotRange[] {
  return items(reply).flatMap((range) => {
    const [from, to, owner] = items(range);
    const [host, port] = items(owner ?? null);
    const name = Buffer.isBuffer(host) ? host.toString() : "";
    const known = typeof from === "number" && typeof to === "number" && typeof port === "number";
    return known && name !== "" && name !== "?" ? [{ from, to, host: name, port }] : [];
  });
}

function items(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : []; // Array.isArray loses the element type
}
