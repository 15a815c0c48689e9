/** What a runner lives on: the ports that its owner provides, and the parts that spawn() builds around them. */
import type {
  Claim,
  JobOutcome,
  JobQueue,
  Presence,
  ReclaimAnswer,
  RenewAnswer,
  ReplayGuard,
  VerifiedJob,
} from "@herorunner/job";
import type { Admission, Admit, Verdict } from "./admit.ts";
import type { PauseGate } from "./gate.ts";
import type { LeaseKeeper } from "./lease.ts";
import type { Patience } from "./patience.ts";
import type { Clock, Logger } from "./ports.ts";
import type { Slots } from "./slots.ts";

/** What happens to jobs, as it happens. For logs and metrics; a listener must not throw and cannot change anything. */
export type RunnerEvent =
  /** A slot is free and the next job is asked for. */
  | { readonly kind: "waiting" }
  | { readonly kind: "admitted"; readonly claim: Claim; readonly admission: Admission }
  /** Before the start another trust was in force than at the last look: `verdict` holds from then on. */
  | {
      readonly kind: "rejudged";
      readonly claim: Claim;
      readonly job: VerifiedJob;
      readonly verdict: Verdict;
    }
  | { readonly kind: "started"; readonly claim: Claim; readonly job: VerifiedJob }
  | { readonly kind: "settled"; readonly claim: Claim; readonly outcome: JobOutcome }
  /** The claim had moved on, so the outcome was refused by the queue. */
  | { readonly kind: "lost"; readonly claim: Claim; readonly outcome?: JobOutcome }
  /** The process ends before the queue could be reached; the job's lease will run out. */
  | { readonly kind: "unsettled"; readonly claim: Claim; readonly outcome?: JobOutcome }
  | { readonly kind: "released"; readonly claim: Claim }
  | {
      readonly kind: "reclaimed";
      readonly jobId: string;
      readonly answer: Exclude<ReclaimAnswer, "live" | "final">;
    }
  /** One renewal of all leases, an answer for each; "failed" when the queue gave none. */
  | { readonly kind: "renewed"; readonly answers: readonly (RenewAnswer | "failed")[] }
  /** Live output that was left out because the queue was slow or away. The result has it all the same. */
  | { readonly kind: "log_dropped"; readonly jobId: string; readonly bytes: number };

/**
 * The last line against replays, on the runner's own disk, where somebody who can write Redis cannot reach.
 * Asked before a signed job is started: once, and again where the trust in force changed meanwhile and allows it less.
 */
export interface ReplayJournal {
  /** False: this job was accepted as often as it may be. Durable before it resolves true. */
  accept(guard: ReplayGuard): Promise<boolean>;
}

/** For runners that check no signatures. */
export const noJournal: ReplayJournal = { accept: () => Promise.resolve(true) };

/** Signs what became of a job; the text is stored beside the outcome. Times are wall clock, ms. */
export type SignReceipt = (
  job: VerifiedJob,
  facts: { readonly claim: Claim; readonly outcome: JobOutcome; readonly endedAtMs: number },
) => Promise<string>;

/** Handed to `Runner.spawn`. The caller owns everything in it and closes it after the runner has stopped. */
export interface RunnerHost {
  readonly queue: JobQueue;
  readonly admit: Admit;
  /** How many jobs at once, from 1. */
  readonly concurrency: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly journal?: ReplayJournal;
  /** Without it no receipts are written. Refused jobs get none: nothing was run. */
  readonly signReceipt?: SignReceipt;
  /** Heartbeat, pause, ping and cancel wake-ups. Without it the runner works, and others take it for gone. */
  readonly presence?: Presence;
  /** What the heartbeat says; goes with `presence`. */
  readonly instance?: InstanceFacts;
  /** Stop when the queue is empty and every taken job has ended. */
  readonly burst?: boolean;
  readonly onEvent?: (event: RunnerEvent) => void;
  /** Times of the engine; the defaults fit a lease of 6 s. */
  readonly timing?: Partial<RunnerTiming>;
}

export interface RunnerTiming {
  /** Between two renewals of all leases. Default 1500. */
  readonly renewEveryMs: number;
  /** The longest time between two looks for overdue leases. Default 4000: with lease and confirmation less than 10 s. */
  readonly reapEveryMs: number;
  /** How long an overdue lease must stay unchanged before it is reclaimed. Default 2000. */
  readonly reapConfirmMs: number;
  /** Between two heartbeats. Default 7000: one may be lost. */
  readonly beatEveryMs: number;
  /**
   * How long after abort() the queue is still tried for last words; each gets one try at least. It has to cover the
   * time in which aborted jobs end. Default 10 000.
   */
  readonly giveUpAfterMs: number;
}

export const defaultTiming: RunnerTiming = {
  renewEveryMs: 1_500,
  reapEveryMs: 4_000,
  reapConfirmMs: 2_000,
  beatEveryMs: 7_000,
  giveUpAfterMs: 10_000,
};

/** What a heartbeat tells about this process. */
export interface InstanceFacts {
  readonly owner: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly isolation: string;
  readonly signatures: string;
  /** Since the queue last answered a wait for jobs; undefined before the first answer. */
  readonly lastPollMs: () => number | undefined;
}

/** A host with its parts running; built by spawn(), used by the loop. */
export interface RunningHost {
  readonly queue: JobQueue;
  readonly admit: Admit;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly journal: ReplayJournal;
  readonly signReceipt: SignReceipt | undefined;
  readonly slots: Slots;
  readonly leases: LeaseKeeper;
  readonly patience: Patience;
  readonly gate: PauseGate;
  /** Take no more work. */
  readonly draining: AbortSignal;
  /** Stop waiting for an absent queue. */
  readonly givingUp: AbortSignal;
  readonly burst: boolean;
  readonly claimOptions: { readonly wait: boolean };
  readonly tell: (event: RunnerEvent) => void;
}
