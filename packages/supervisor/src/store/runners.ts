/**
 * The registry of runners, and how each of them is. What is registered is one hash in Redis; whether a runner lives comes
 * from its own heartbeats, so that nothing here can be out of date.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  isJsonObject,
  keysOf,
  parseStrictJson,
  readRunner,
  replaceEntry,
  registryKey,
  type Commands,
  type RedisConnection,
  type Reply,
  type RunnerKeys,
  type ConnectionPool,
} from "@herorunner/job";
import { RpcError } from "../rpc/errors.ts";
import type { RunnerViewWire } from "../rpc/schemas.ts";
import { inPortions } from "./in-portions.ts";

/** What people say about a runner. */
export interface AboutRunner {
  readonly description?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** A runner that was registered this long ago is still taken for registered: saves a question with every job. */
const trustMs = 1_000;
const pingTimeoutMs = 2_000;
const maxRunners = 10_000;

export class RunnerRegistry {
  readonly #redis: ConnectionPool;
  readonly #prefix: string;
  readonly #key: string;
  /** When each runner was last seen in the registry; no more entries than it ever had. */
  readonly #seenMs = new Map<string, number>();

  constructor(redis: ConnectionPool, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#key = registryKey(prefix);
  }

  keys(runner: string): RunnerKeys {
    return keysOf(runner, this.#prefix);
  }

  at(keys: RunnerKeys): Commands {
    return this.#redis.at(keys.queue);
  }

  /** A connection to block on; the caller closes it. */
  open(keys: RunnerKeys): RedisConnection {
    return this.#redis.open(keys.queue);
  }

  async register(id: string, about: AboutRunner): Promise<RunnerViewWire> {
    const store = this.#redis.at(this.#key);
    for (;;) {
      const stored = await store.send(["HGET", this.#key, id]);
      const known = readAbout(stored);
      if (known === undefined && Number(await store.send(["HLEN", this.#key])) >= maxRunners) {
        throw new RpcError("conflict", `there are ${maxRunners} runners; remove some first`);
      }
      const entry = { ...known, ...withoutUndefined(about) };
      const args = [id, Buffer.isBuffer(stored) ? stored : "", JSON.stringify(entry)];
      // Not written: somebody else said something about it meanwhile, and nobody knows of what is left out here.
      if ((await store.run(replaceEntry, [this.#key], args)) === 1) return this.#view(id, entry);
    }
  }

  async list(): Promise<RunnerViewWire[]> {
    const entries = await this.#entries();
    return inPortions(entries, ([id, about]) => this.#view(id, about));
  }

  /** Ids of all registered runners, sorted. */
  async names(): Promise<readonly string[]> {
    return (await this.#entries()).map(([id]) => id);
  }

  /** Throws unless the runner is registered, or alive without being registered: jobs are queued for such a one too. */
  async get(id: string): Promise<RunnerViewWire> {
    const about = readAbout(await this.#redis.at(this.#key).send(["HGET", this.#key, id]));
    const view = await this.#view(id, about ?? {});
    if (about === undefined && !view.alive) throw await this.#unknown(id);
    return view;
  }

  /** Throws unless the runner is registered, or alive without being registered. */
  async mustBeKnown(id: string): Promise<void> {
    const nowMs = performance.now();
    if ((this.#seenMs.get(id) ?? -Infinity) > nowMs - trustMs) return;
    if ((await this.#redis.at(this.#key).send(["HEXISTS", this.#key, id])) === 1) {
      this.#seenMs.set(id, nowMs);
      return;
    }
    this.#seenMs.delete(id);
    const keys = this.keys(id);
    if (!(await readRunner(this.at(keys), keys)).alive) throw await this.#unknown(id);
  }

  /** False when it was not registered. */
  async remove(id: string, force: boolean): Promise<boolean> {
    const keys = this.keys(id);
    const { queued } = await readRunner(this.at(keys), keys);
    if (queued > 0 && !force) {
      const sentence = `${queued} jobs wait for runner ${id}`;
      throw new RpcError("conflict", sentence, {
        reason: "jobs_wait",
        hint: "Cancel them, or remove the runner with force: true and leave them in its queue.",
      });
    }
    this.#seenMs.delete(id);
    return (await this.#redis.at(this.#key).send(["HDEL", this.#key, id])) === 1;
  }

  async setPaused(id: string, paused: boolean): Promise<RunnerViewWire> {
    await this.get(id);
    const keys = this.keys(id);
    const store = this.at(keys);
    await store.send(paused ? ["HSET", keys.settings, "paused", "1"] : ["HDEL", keys.settings, "paused"]);
    // The field is the truth; the message only makes it quick.
    await store
      .send(["PUBLISH", keys.control, JSON.stringify({ op: paused ? "pause" : "resume" })])
      .catch(() => undefined);
    return this.get(id);
  }

  async ping(
    id: string,
    signal: AbortSignal,
  ): Promise<{ id: string; alive: boolean; round_trip_ms?: number }> {
    const keys = this.keys(id);
    await this.mustBeKnown(id);
    const hearing = this.#redis.open(keys.control);
    const nonce = randomUUID();
    try {
      let heard = (_atMs: number): void => undefined;
      const pong = new Promise<number>((resolve) => (heard = resolve));
      const listen = (message: string): void => {
        if (isPong(message, nonce)) heard(performance.now());
      };
      await hearing.subscribe(keys.control, listen, () => undefined);
      const askedMs = performance.now();
      await this.at(keys).send(["PUBLISH", keys.control, JSON.stringify({ op: "ping", nonce })]);
      const silence = new AbortController();
      const late = sleep(pingTimeoutMs, undefined, { signal: AbortSignal.any([signal, silence.signal]) });
      const answeredMs = await Promise.race([pong, late.catch(() => undefined)]);
      silence.abort();
      if (answeredMs === undefined) return { id, alive: false };
      return { id, alive: true, round_trip_ms: Math.round((answeredMs - askedMs) * 100) / 100 };
    } finally {
      hearing.close();
    }
  }

  async #view(id: string, about: AboutRunner): Promise<RunnerViewWire> {
    const keys = this.keys(id);
    const { instances, ...state } = await readRunner(this.at(keys), keys);
    return {
      id,
      ...withoutUndefined(about),
      alive: state.alive,
      paused: state.paused,
      queued: state.queued,
      running: state.running,
      dead: state.dead,
      instances: instances.map(({ lastPollMs, seenAtMs: _seen, ...instance }) => ({
        ...instance,
        ...(lastPollMs === undefined ? {} : { last_poll_ms: lastPollMs }),
      })),
    };
  }

  async #entries(): Promise<readonly (readonly [string, AboutRunner])[]> {
    const reply = await this.#redis.at(this.#key).send(["HGETALL", this.#key]);
    const flat = Array.isArray(reply) ? reply.map(String) : [];
    const entries: [string, AboutRunner][] = [];
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const [id = "", about] = [flat[at], flat[at + 1]];
      if (isRunnerId(id, this.#prefix)) entries.push([id, readAbout(about ?? "") ?? {}]);
    }
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async #unknown(id: string): Promise<RpcError> {
    const names = await this.names();
    const shown = names.length === 0 ? "none" : names.slice(0, 10).join(", ");
    return new RpcError("not_found", `no runner ${id} is registered`, {
      reason: "runner_not_found",
      hint: `Registered: ${shown}${names.length > 10 ? ", …" : ""}. Register it with runner.register, or start herorunner with --supervisor.`,
    });
  }
}

function isRunnerId(id: string, prefix: string): boolean {
  try {
    return keysOf(id, prefix).runner === id;
  } catch {
    return false;
  }
}

/** An entry that another program made unreadable still names its runner. */
function readAbout(stored: Reply | string): AboutRunner | undefined {
  if (typeof stored !== "string" && !Buffer.isBuffer(stored)) return undefined;
  const parsed = parseStrictJson(stored.toString());
  if (!parsed.ok || !isJsonObject(parsed.value)) return {};
  const [description, labels] = [parsed.value.get("description"), parsed.value.get("labels")];
  return {
    ...(typeof description === "string" ? { description } : {}),
    ...(isJsonObject(labels)
      ? { labels: Object.fromEntries([...labels].filter(isTextEntry).slice(0, 32)) }
      : {}),
  };
}

function isTextEntry(entry: readonly [string, unknown]): entry is [string, string] {
  return typeof entry[1] === "string";
}

function withoutUndefined(about: AboutRunner): { description?: string; labels?: Record<string, string> } {
  return {
    ...(about.description === undefined ? {} : { description: about.description }),
    ...(about.labels === undefined ? {} : { labels: { ...about.labels } }),
  };
}

function isPong(message: string, nonce: string): boolean {
  const parsed = parseStrictJson(message, { maxDepth: 2 });
  if (!parsed.ok || !isJsonObject(parsed.value)) return false;
  return parsed.value.get("op") === "pong" && parsed.value.get("nonce") === nonce;
}
