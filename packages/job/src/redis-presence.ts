/** Presence on Redis: a heartbeat hash with a TTL per process, and the control channel for wake-ups. */
import { QueueError } from "./errors.ts";
import { keysOf, type RunnerKeys } from "./keys.ts";
import { beat, beatAnyway } from "./lua/beat.ts";
import type { ControlHandlers, InstanceReport, Presence } from "./queue.ts";
import { openConnection, type RedisConnection } from "./redis/connection.ts";
import type { RedisTarget } from "./redis/redis-url.ts";
import { textOf } from "./redis/reply.ts";
import { isJsonObject, parseStrictJson } from "./strict-json.ts";

export interface RedisPresenceOptions {
  readonly target: RedisTarget;
  readonly tlsCa?: string;
  readonly runner: string;
  readonly keyPrefix?: string;
  /** A connection was lost and stands again. */
  readonly onReopened?: () => void;
}

/** A process counts as gone this long after its last heartbeat. */
const instanceTtlMs = 15_000;
/** A silent subscription is asked whether it still lives this often; half-open sockets show no other way. */
const listenProbeMs = 10_000;
/** The first heartbeat and every so manyth takes those off the list that were silent for long. */
const sweepEvery = 10;

export class RedisPresence implements Presence {
  readonly #keys: RunnerKeys;
  readonly #commands: RedisConnection;
  readonly #hearing: RedisConnection;
  #beats = 0;

  /** Connects at the first call. The caller closes it. */
  constructor(options: RedisPresenceOptions) {
    this.#keys = keysOf(options.runner, options.keyPrefix);
    const tls = options.tlsCa === undefined ? {} : { tlsCa: options.tlsCa };
    const { target, onReopened = () => undefined } = options;
    const connection = { target, routeKey: this.#keys.queue, onReopened, ...tls };
    this.#commands = openConnection(connection);
    this.#hearing = openConnection(connection);
  }

  async beat(report: InstanceReport): Promise<{ readonly paused: boolean }> {
    const { instances, settings } = this.#keys;
    const fields = {
      owner: report.owner,
      host: report.host,
      pid: report.pid,
      version: report.version,
      isolation: report.isolation,
      signatures: report.signatures,
      slots: report.slots,
      busy: report.busy,
      last_poll_ms: report.lastPollMs ?? "",
    };
    const flat = Object.entries(fields).flatMap(([name, value]) => [name, String(value)]);
    const keys = [instances, this.#keys.instance(report.owner), settings];
    const sweep = this.#beats % sweepEvery === 0 ? "1" : "0";
    this.#beats += 1;
    const args = [report.owner, String(instanceTtlMs), sweep, ...flat];
    try {
      const paused = await this.#commands.run(beat, keys, args);
      return { paused: textOf(paused) === "1" };
    } catch (error) {
      // The caller must hear that Redis is full; those who list runners, that this one lives.
      if (error instanceof QueueError && error.code === "FULL")
        await this.#commands.run(beatAnyway, keys, args);
      throw error;
    }
  }

  async leave(owner: string): Promise<void> {
    await this.#commands.send(["ZREM", this.#keys.instances, owner]);
    await this.#commands.send(["DEL", this.#keys.instance(owner)]);
  }

  async listen(handlers: ControlHandlers, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let onLost = (): void => undefined;
    const lost = new Promise<void>((resolve) => (onLost = resolve));
    const stop = (): void => {
      onLost();
      this.#hearing.drop(); // frees a subscription that is still on its way
    };
    signal.addEventListener("abort", stop, { once: true });
    const probe = setInterval(() => {
      // While subscribed, PING is one of the few commands that are allowed.
      this.#hearing.send(["PING"]).catch(onLost);
    }, listenProbeMs);
    try {
      await this.#hearing.subscribe(this.#keys.control, (message) => this.#hear(message, handlers), onLost);
      await lost;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(probe);
      signal.removeEventListener("abort", stop);
      this.#hearing.drop();
    }
  }

  #hear(message: string, handlers: ControlHandlers): void {
    const parsed = parseStrictJson(message, { maxDepth: 4 });
    if (!parsed.ok || !isJsonObject(parsed.value)) return;
    const nonce = parsed.value.get("nonce");
    const op = parsed.value.get("op");
    if (op === "cancel") handlers.onCancel();
    if (op === "pause" || op === "resume") handlers.onSettings();
    if (op === "ping" && typeof nonce === "string" && nonce.length <= 128)
      this.#answerPing(nonce, handlers.owner);
  }

  #answerPing(nonce: string, owner: string): void {
    const answer = JSON.stringify({ op: "pong", nonce, owner });
    this.#commands.send(["PUBLISH", this.#keys.control, answer]).catch(() => undefined); // whoever asked will ask again
  }

  close(): void {
    this.#commands.close();
    this.#hearing.close();
  }
}
