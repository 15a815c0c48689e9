/**
 * The last minute of settled jobs, kept to be settled again when the server behind the connection is not the one that
 * acknowledged them: after a failover, or a restart from an older file, it may never have heard of those endings.
 *
 * Sending them again is always harmless: what the server knows answers ALREADY, what moved on answers FENCED.
 */
import { finish } from "./lua/finish.ts";
import { runScript, type Send } from "./redis/connection.ts";
import { textOf } from "./redis/reply.ts";
import { refusalWord, toQueueError } from "./redis/refusal.ts";

/** One ending as it was sent to the finish script. */
export interface SettledCall {
  readonly jobId: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/**
 * Calls on their way at the same time. One after the other, the endings of a busy minute would take longer than a
 * connection may take to open, and longer than the leases of the running jobs last.
 */
const atOnce = 200;

/** Packed, because thousands of calls in forty pieces each would be half of what the garbage collector has to do. */
interface Kept {
  readonly packed: Buffer;
  readonly atMs: number;
}

export interface ResettleOptions {
  /** Default 60 000. */
  readonly keepMs?: number;
  /** All kept calls together; the oldest go first. Default 4 MiB. */
  readonly maxBytes?: number;
  readonly monotonicMs?: () => number;
  /** Told which jobs the server had lost the ending of. */
  readonly onRepaired?: (jobIds: readonly string[]) => void;
}

export class Resettle {
  readonly #options: Required<ResettleOptions>;
  /** From `#first` on; what was before is gone. */
  #kept: Kept[] = [];
  #first = 0;
  #bytes = 0;
  /** Of the server that acknowledged what is kept; undefined before the first connection. */
  #identity: string | undefined;

  constructor(options: ResettleOptions = {}) {
    this.#options = {
      keepMs: 60_000,
      maxBytes: 4 * 1024 * 1024,
      monotonicMs: () => performance.now(),
      onRepaired: () => undefined,
      ...options,
    };
  }

  /** An ending that the server acknowledged. */
  remember(call: SettledCall): void {
    const packed = Buffer.from(JSON.stringify(call));
    this.#kept.push({ packed, atMs: this.#options.monotonicMs() });
    this.#bytes += packed.byteLength;
    this.#prune();
  }

  /** To be called with each new connection. Rejects when the connection breaks; then the next one repairs. */
  async opened(send: Send): Promise<void> {
    const identity = await identityOf(send);
    const same = identity !== "" && identity === this.#identity;
    if (!same && this.#identity !== undefined) await this.#sendAgain(send);
    this.#identity = identity;
  }

  async #sendAgain(send: Send): Promise<void> {
    this.#prune();
    const kept = this.#kept.slice(this.#first);
    const repaired: string[] = [];
    // The first one alone: with it a new server learns the script.
    for (let from = 0, to = 1; from < kept.length; from = to, to += atOnce) {
      const answers = await Promise.all(kept.slice(from, to).map((one) => settleAgain(send, one)));
      repaired.push(...answers.filter((jobId) => jobId !== undefined));
    }
    if (repaired.length > 0) this.#options.onRepaired(repaired);
  }

  #prune(): void {
    const { keepMs, maxBytes, monotonicMs } = this.#options;
    const oldestMs = monotonicMs() - keepMs;
    for (let first = this.#kept[this.#first]; first !== undefined; first = this.#kept[this.#first]) {
      if (first.atMs >= oldestMs && this.#bytes <= maxBytes) break;
      this.#first += 1;
      this.#bytes -= first.packed.byteLength;
    }
    if (this.#first < this.#kept.length / 2) return;
    this.#kept = this.#kept.slice(this.#first);
    this.#first = 0;
  }
}

/** The job's id if the server had lost its ending. */
async function settleAgain(send: Send, { packed }: Kept): Promise<string | undefined> {
  const call = JSON.parse(packed.toString()) as SettledCall; // our own writing
  try {
    const answer = textOf(await runScript(send, finish, call.keys, call.args));
    return answer === "OK" ? call.jobId : undefined;
  } catch (error) {
    if (toQueueError(error).code !== "REJECTED") throw error; // one broken key must not hold up the others
    return undefined;
  }
}

/** Changes when the process or its replication history does. "" where it cannot be read: then every connection counts as new. */
async function identityOf(send: Send): Promise<string> {
  try {
    const server = textOf(await send(["INFO", "server"]));
    const replication = textOf(await send(["INFO", "replication"]));
    const runId = /^run_id:(\w+)/m.exec(server)?.[1];
    const replicationId = /^master_replid:(\w+)/m.exec(replication)?.[1];
    return runId === undefined ? "" : `${runId} ${replicationId ?? ""}`;
  } catch (error) {
    if (refusalWord(toQueueError(error)) !== "") return "";
    throw error;
  }
}
