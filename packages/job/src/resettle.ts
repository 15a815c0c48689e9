/**
 * The last minute of settled jobs, kept to be settled again when the server behind the connection is not the one that
 * acknowledged them: after a failover, or a restart from an older file, it may never have heard of those endings.
 *
 * Sending them again is always harmless: what the server knows answers ALREADY, what moved on answers FENCED.
 */
import { finish } from "./lua/finish.ts";
import { runScript, type Send } from "./redis/connection.ts";
import { textOf } from "./redis/reply.ts";
import { RecentTexts } from "./recent-texts.ts";
import { refusalWord, toQueueError } from "./redis/refusal.ts";

/**
 * Calls on their way at the same time. One after the other, the endings of a busy minute would take longer than a
 * connection may take to open, and longer than the leases of the running jobs last.
 */
const atOnce = 200;

export interface ResettleOptions {
  /** The keys that the finish script is given for a job. */
  readonly keysOf: (jobId: string) => readonly string[];
  /** Default 60 000. */
  readonly keepMs?: number;
  /** All kept calls together; the oldest go first. Default 4 MiB. */
  readonly maxBytes?: number;
  readonly monotonicMs?: () => number;
  /** Told which jobs the server had lost the ending of. */
  readonly onRepaired?: (jobIds: readonly string[]) => void;
}

export class Resettle {
  readonly #keysOf: ResettleOptions["keysOf"];
  readonly #onRepaired: (jobIds: readonly string[]) => void;
  /** As one text each: thousands of calls in forty pieces would be half of what the garbage collector has to do. */
  readonly #calls: RecentTexts;
  /** Of the server that acknowledged what is kept; undefined before the first connection. */
  #identity: string | undefined;

  constructor({ keysOf, onRepaired = () => undefined, ...kept }: ResettleOptions) {
    const { keepMs = 60_000, maxBytes = 4 * 1024 * 1024, monotonicMs = () => performance.now() } = kept;
    this.#keysOf = keysOf;
    this.#onRepaired = onRepaired;
    this.#calls = new RecentTexts({ keepMs, maxBytes, monotonicMs });
  }

  /** An ending that the server acknowledged: the arguments of the finish script, of which the first is the job's id. */
  remember(args: readonly string[]): void {
    this.#calls.add(JSON.stringify(args));
  }

  /** To be called with each new connection. Rejects when the connection breaks; then the next one repairs. */
  async opened(send: Send): Promise<void> {
    const identity = await identityOf(send);
    const same = identity !== "" && identity === this.#identity;
    if (!same && this.#identity !== undefined) await this.#sendAgain(send);
    this.#identity = identity;
  }

  async #sendAgain(send: Send): Promise<void> {
    const kept = this.#calls.all();
    const repaired: string[] = [];
    // The first one alone: with it a new server learns the script.
    for (let from = 0, to = 1; from < kept.length; from = to, to += atOnce) {
      const answers = await Promise.all(kept.slice(from, to).map((text) => this.#settleAgain(send, text)));
      repaired.push(...answers.filter((jobId) => jobId !== undefined));
    }
    if (repaired.length > 0) this.#onRepaired(repaired);
  }

  /** The job's id if the server had lost its ending. */
  async #settleAgain(send: Send, text: string): Promise<string | undefined> {
    const args = JSON.parse(text) as string[]; // our own writing
    const [jobId = ""] = args;
    try {
      const answer = textOf(await runScript(send, finish, this.#keysOf(jobId), args));
      return answer === "OK" ? jobId : undefined;
    } catch (error) {
      if (toQueueError(error).code !== "REJECTED") throw error; // one broken key must not hold up the others
      return undefined;
    }
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
