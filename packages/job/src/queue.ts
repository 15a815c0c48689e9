/**
 * The JobQueue port: what the engine needs from a queue, written from the engine's needs and not from Redis.
 * `test/conformance/job-queue.ts` is its meaning in executable form; every implementation passes that suite.
 *
 * Promises of an implementation
 * - An id that was pushed is at any later time in exactly one of: waiting, claimed, final.
 * - A claim is known by its token. Once another claim exists, every call with the old token answers "lost" and changes nothing.
 * - A job becomes final once; a final job never changes.
 * - Repeating a call whose answer was lost is harmless.
 */
import type { JobOutcome } from "./outcome.ts";

/** A job hash as it came from the store: foreign bytes, not yet looked at. */
export type RawFields = ReadonlyMap<string, Uint8Array>;

/** What proves a claim; all that must be remembered of it to speak for the job after a restart. */
export interface ClaimProof {
  readonly jobId: string;
  /** 128 random bits in hex: the right to speak for this job. */
  readonly token: string;
}

export interface Claim extends ClaimProof {
  readonly fields: RawFields;
  /** How often this job was claimed, this time included. */
  readonly claims: number;
  /** Set when the hash was larger than the queue hands out; `fields` then lacks the payload. */
  readonly oversizedBytes?: number;
}

export type RenewAnswer = "held" | "lost" | "cancel";
export type StartAnswer = "started" | "lost" | "cancelled" | "replayed";

/** A lease that is over, as seen by one look. Reclaiming takes two looks, see runner/src/reaper.ts. */
export interface OverdueLease {
  readonly jobId: string;
  /** The lease end in the store's own clock and spelling; reclaim compares it for equality. */
  readonly leaseEnd: string;
}

/** What one look at the leases saw. */
export interface OverdueLook {
  /** Those that are over, oldest first. */
  readonly leases: readonly OverdueLease[];
  /** When the next one could be over, ms from now; undefined when nothing is taken. */
  readonly nextMs: number | undefined;
}

/** What became of an overdue job. "poisoned": failed, because it was lost with too many of its runners. */
export type ReclaimAnswer = "live" | "requeued" | "failed" | "poisoned" | "final" | "dead";

export interface LogEntry {
  readonly stream: "out" | "err";
  /** Byte offset of `data` in its stream. A jump means bytes were left out. */
  readonly offset: number;
  readonly data: string;
}

export interface ClaimOptions {
  /** Default true. */
  readonly wait?: boolean;
  /** From 1. Never more than can start at once: others may be free to take them. */
  readonly most?: number;
}

export interface SettleDetails {
  readonly signers?: readonly string[];
  /** The runner's signed statement of the outcome, JSON. */
  readonly receipt?: string;
  /** The last pieces of live output, for the job's log. */
  readonly log?: readonly LogEntry[];
}

export interface StartOptions {
  /** For signed jobs: how long the id must not be started again, in ms. */
  readonly replayGuardMs?: number;
  /** How often the id may be started within that time, recoveries included. Default 1. */
  readonly maxStarts?: number;
}

export interface JobQueue {
  /**
   * Waits for jobs and makes them ours (`dispatched`: no process yet): at least one, and of those that wait already up
   * to `most` (default 1), the oldest first. Resolves with none once `signal` aborts; takes nothing after that, and what
   * was being taken at that moment goes back. Ids that cannot be run (no hash, wrong type, bad id, claimed too often)
   * never come out of here: they are put aside with an error record and the next one is taken.
   * With `wait: false` it resolves with none as soon as nothing waits, nor any taken id for its hash.
   * One call at a time. Throws QueueError UNAVAILABLE when the store is away; the caller decides when to come again.
   */
  claim(signal: AbortSignal, options?: ClaimOptions): Promise<readonly Claim[]>;
  /** `dispatched` → `started`: from here on a process may exist. */
  start(claim: ClaimProof, options?: StartOptions): Promise<StartAnswer>;
  /** Prolongs all given claims in one round trip; answers in the same order. */
  renew(claims: readonly ClaimProof[]): Promise<readonly RenewAnswer[]>;
  /** Writes the outcome exactly once. A holder that lost its claim changes nothing. */
  settle(claim: ClaimProof, outcome: JobOutcome, details?: SettleDetails): Promise<"settled" | "lost">;
  /** Gives a job back that was not started, in its old place. Repeated after a lost answer it says "lost". */
  release(claim: ClaimProof): Promise<"released" | "lost">;
  /** Adds live output to the job's log. A convenience: losing it loses no result. */
  appendLog(claim: ClaimProof, entries: readonly LogEntry[]): Promise<void>;
  /** Gives every taken id without a lease a short one, then lists leases that are over. */
  overdue(): Promise<OverdueLook>;
  /**
   * Ends the leases of claims whose owner is known to be dead (same-host recovery). Those that still held come back
   * and can be reclaimed at once, without a second look.
   */
  abandon(claims: readonly ClaimProof[]): Promise<readonly OverdueLease[]>;
  /** Takes an overdue job from its dead owner: back to the queue if it may be started (again), else an error. */
  reclaim(lease: OverdueLease): Promise<ReclaimAnswer>;
}

/** One process that serves a runner id, as its heartbeat tells it. */
export interface InstanceReport {
  readonly owner: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly isolation: string;
  readonly signatures: string;
  readonly slots: number;
  readonly busy: number;
  /** Since the queue last answered a wait for jobs; undefined before the first answer. */
  readonly lastPollMs: number | undefined;
}

/** How a runner is seen and spoken to while it lives. Losing it loses no job. */
export interface Presence {
  /**
   * Says that this process lives (it counts as gone 15 s after its last word); answers the runner's settings. A full store
   * keeps the word and throws QueueError FULL all the same.
   */
  beat(report: InstanceReport): Promise<{ readonly paused: boolean }>;
  /** Takes this process off the list. */
  leave(owner: string): Promise<void>;
  /**
   * Hears wake-ups until `signal` aborts or the connection is lost, then resolves. Pings are answered by the
   * implementation. Handlers must not throw.
   */
  listen(handlers: ControlHandlers, signal: AbortSignal): Promise<void>;
}

export interface ControlHandlers {
  readonly owner: string;
  /** Somebody asked to cancel a job; the truth is its `cancel` field. */
  readonly onCancel: () => void;
  /** The settings changed; the truth is what beat() answers. */
  readonly onSettings: () => void;
}
