/**
 * One Redis connection that is thrown away when it misbehaves and rebuilt by the next command. There is no offline
 * queue and no hidden reconnect loop: a command either is answered in time or rejects with a QueueError, and the
 * caller decides when to come again. So a consumer cannot fall silent, and a blocked pop cannot be sent twice.
 */
import { ErrorReply } from "@redis/client";
import { setTimeout as sleep } from "node:timers/promises";
import { QueueError } from "../errors.ts";
import { afterRunning } from "../running-time.ts";
import {
  bareClient,
  type Client,
  connect,
  destroy,
  inTime,
  probeClient,
  type Reply,
  sendTo,
} from "./client.ts";
import { locate } from "./locate.ts";
import type { RedisTarget } from "./redis-url.ts";
import { refusalWord, toQueueError } from "./refusal.ts";
import type { Script } from "./script.ts";

export type { Reply } from "./client.ts";

export type Send = (command: readonly (string | Uint8Array)[]) => Promise<Reply>;

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
  /** Told each time a new connection stands, before the command that asked for it is sent. Rejecting costs the connection. */
  readonly onOpen?: (send: Send) => Promise<void>;
  /** Told when a connection stands that takes the place of an earlier one. Must not throw. */
  readonly onReopened?: () => void;
}

export interface RedisConnection {
  /** Sends one command. Rejects with QueueError only. `deadlineMs` replaces the connection's own. */
  send(command: readonly (string | Uint8Array)[], options?: { readonly deadlineMs?: number }): Promise<Reply>;
  run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | Uint8Array)[],
    options?: { readonly deadlineMs?: number },
  ): Promise<Reply>;
  /** Receives messages of a channel until the connection breaks or closes. Resolves when subscribed. */
  subscribe(channel: string, onMessage: (message: string) => void, onLost: () => void): Promise<void>;
  /**
   * Ends a blocking command of this connection early, through another connection: it answers as if its time were up.
   * Where CLIENT UNBLOCK is not allowed or does not help the connection is dropped instead. Never rejects.
   */
  interrupt(via: RedisConnection): Promise<void>;
  /** Ends the connection now; commands in flight reject. A later command opens it again unless closed. */
  drop(): void;
  /** Ends the connection for good. */
  close(): void;
}

/** Locating, connecting and logging in, all together. */
const openDeadlineMs = 5_000;
const defaultDeadlineMs = 5_000;
const interruptPatienceMs = 1_000;

/** Connects lazily, at the first command. The caller closes it. */
export function openConnection(options: ConnectionOptions): RedisConnection {
  return new LazyConnection(options);
}

interface Opened {
  readonly client: Client;
  /** Where the connection is interruptible and the ACL lets us know. */
  readonly clientId: number | undefined;
}

/** A client on its way or standing. `giveUp` frees those who wait for it. */
interface Attempt {
  readonly client: Promise<Client>;
  readonly giveUp: (why: QueueError) => void;
  standing: Opened | undefined;
}

class LazyConnection implements RedisConnection {
  readonly #options: ConnectionOptions;
  #attempt: Attempt | undefined;
  #unanswered = 0;
  #closed = false;
  #wasOpen = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  async send(
    command: readonly (string | Uint8Array)[],
    options: { readonly deadlineMs?: number } = {},
  ): Promise<Reply> {
    this.#unanswered += 1;
    try {
      const attempt = this.#connect();
      const client = await attempt.client;
      try {
        const deadlineMs = options.deadlineMs ?? this.#options.deadlineMs ?? defaultDeadlineMs;
        return await inTime(sendTo(client, command), deadlineMs, client);
      } catch (error) {
        const failure = this.#failureOf(error);
        // A new connection finds the new master, or logs in with what is right by now.
        if (failure.code === "UNAVAILABLE" || /AUTH|PASS/.test(refusalWord(failure)))
          this.#discard(attempt, client);
        throw failure;
      }
    } finally {
      this.#unanswered -= 1;
    }
  }

  async run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | Uint8Array)[],
    options: { readonly deadlineMs?: number } = {},
  ): Promise<Reply> {
    return runScript((command) => this.send(command, options), script, keys, args);
  }

  async subscribe(channel: string, onMessage: (message: string) => void, onLost: () => void): Promise<void> {
    const attempt = this.#connect();
    const client = await attempt.client;
    client.once("error", onLost);
    client.once("end", onLost);
    try {
      const deadlineMs = this.#options.deadlineMs ?? defaultDeadlineMs;
      await inTime(client.subscribe(channel, onMessage), deadlineMs, client);
    } catch (error) {
      this.#discard(attempt, client);
      throw this.#failureOf(error);
    }
  }

  async interrupt(via: RedisConnection): Promise<void> {
    try {
      // Again while nothing was freed: the command may not have reached Redis yet, or its answer may be on the way.
      for (let round = 0; this.#unanswered > 0; round += 1) {
        const clientId = this.#attempt?.standing?.clientId;
        if (clientId === undefined || round === 20) return this.drop();
        const asked = via.send(["CLIENT", "UNBLOCK", String(clientId)]);
        asked.catch(() => undefined); // it may reject after the patience has ended
        const freed = await Promise.race([asked, sleep(interruptPatienceMs, null, { ref: false })]);
        if (freed === 1) return;
        if (freed === null) return this.drop();
        await sleep(10);
      }
    } catch {
      this.drop();
    }
  }

  drop(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    attempt.giveUp(
      this.#closed ? closedByUs() : new QueueError("UNAVAILABLE", "the Redis connection was dropped"),
    );
    attempt.client.then(destroy, () => undefined);
  }

  close(): void {
    this.#closed = true;
    this.drop();
  }

  #connect(): Attempt {
    if (this.#closed) throw closedByUs();
    // A connection that is known to be gone is not worth a failed command.
    if (this.#attempt?.standing?.client.isReady === false) this.#attempt = undefined;
    return (this.#attempt ??= this.#begin());
  }

  #begin(): Attempt {
    let giveUp = (_why: QueueError): void => undefined;
    const givenUp = new Promise<never>((_resolve, reject) => (giveUp = reject));
    const opening = this.#open();
    const stop = afterRunning(openDeadlineMs, () => {
      giveUp(toQueueError(new Error(`no answer within ${openDeadlineMs} ms`), this.#where));
    });
    const client = Promise.race([opening, givenUp]).finally(stop);
    const attempt: Attempt = { client: client.then((opened) => opened.client), giveUp, standing: undefined };
    client.then(
      (opened) => void (attempt.standing = opened),
      () => {
        if (this.#attempt === attempt) this.#attempt = undefined;
        opening.then(
          (late) => destroy(late.client),
          () => undefined,
        );
      },
    );
    attempt.client.catch(() => undefined); // those who wait for it hear of it themselves
    return attempt;
  }

  async #open(): Promise<Opened> {
    const { target, tlsCa, onOpen, routeKey } = this.#options;
    let client: Client | undefined;
    try {
      const terms = { tls: target.tls, tlsCa };
      const address = await locate(target, routeKey, (node, credentials) =>
        probeClient(node, { ...terms, credentials }),
      );
      client = bareClient(address, { ...terms, credentials: target.credentials, database: target.database });
      await connect(client);
      const opened = client;
      const clientId = this.#options.interruptible === true ? await idOf(opened) : undefined;
      await onOpen?.((command) => inTime(sendTo(opened, command), defaultDeadlineMs, opened));
      if (this.#wasOpen) this.#options.onReopened?.();
      this.#wasOpen = true;
      return { client, clientId };
    } catch (error) {
      if (client !== undefined) destroy(client);
      throw toQueueError(error, this.#where);
    }
  }

  /** What breaks because we closed it is no fault of Redis. */
  #failureOf(error: unknown): QueueError {
    const failure = toQueueError(error, this.#where);
    return this.#closed && failure.code === "UNAVAILABLE" ? closedByUs() : failure;
  }

  get #where(): string {
    return `Redis at ${this.#options.target.shown}`;
  }

  #discard(attempt: Attempt, client: Client): void {
    if (this.#attempt === attempt) this.#attempt = undefined;
    destroy(client);
  }
}

function closedByUs(): QueueError {
  return new QueueError("UNAVAILABLE", "the Redis connection is closed");
}

/** The call of a script that Redis is hoped to know; it refuses with NOSCRIPT when it does not. */
export function callOf(
  script: Script,
  keys: readonly string[],
  args: readonly (string | Uint8Array)[],
): readonly (string | Uint8Array)[] {
  return ["EVALSHA", script.sha1, String(keys.length), ...keys, ...args];
}

/** By its digest where Redis knows the script, else whole. */
export async function runScript(
  send: Send,
  script: Script,
  keys: readonly string[],
  args: readonly (string | Uint8Array)[],
): Promise<Reply> {
  const call = callOf(script, keys, args);
  try {
    return await send(call);
  } catch (error) {
    if (refusalWord(toQueueError(error)) !== "NOSCRIPT") throw error;
    return send(["EVAL", script.source, ...call.slice(2)]);
  }
}

/** Undefined where the ACL does not let us know. */
async function idOf(client: Client): Promise<number | undefined> {
  try {
    const id = await inTime(sendTo(client, ["CLIENT", "ID"]), 2_000, client);
    return typeof id === "number" ? id : undefined;
  } catch (error) {
    if (error instanceof ErrorReply) return undefined;
    throw error;
  }
}
