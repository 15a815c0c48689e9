/** Connections to Redis: one for all commands, or one per place in a cluster, and more for those that block. */
import { openConnection, type RedisConnection, type RedisTarget } from "@herorunner/job";

export interface RedisPoolOptions {
  readonly target: RedisTarget;
  readonly tlsCa?: string;
}

/** In a cluster, connections beyond this are closed, the one that was used longest ago first. */
const maxConnections = 64;

export class RedisPool {
  readonly #options: RedisPoolOptions;
  readonly #connections = new Map<string, RedisConnection>();

  constructor(options: RedisPoolOptions) {
    this.#options = options;
  }

  get kind(): RedisTarget["kind"] {
    return this.#options.target.kind;
  }

  /** The connection for commands on this key and those of its slot. Not for commands that block. */
  at(key: string): RedisConnection {
    const route = this.kind === "cluster" ? slotTag(key) : "";
    const connection = this.#connections.get(route) ?? this.open(key);
    this.#connections.delete(route);
    this.#connections.set(route, connection);
    const [oldest] = this.#connections.keys();
    if (this.#connections.size > maxConnections && oldest !== undefined) {
      this.#connections.get(oldest)?.close();
      this.#connections.delete(oldest);
    }
    return connection;
  }

  /** A connection of its own, to block on or to subscribe with. The caller closes it. */
  open(key: string): RedisConnection {
    const { target, tlsCa } = this.#options;
    return openConnection({ target, routeKey: key, ...(tlsCa === undefined ? {} : { tlsCa }) });
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }
}

/** What decides the slot: the part in braces, else the whole key. */
function slotTag(key: string): string {
  return /\{([^}]+)\}/.exec(key)?.[1] ?? key;
}
