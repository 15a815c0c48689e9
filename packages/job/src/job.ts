/**
 * The nouns: what a client asks for ({@link Job}) and what everybody can see of it ({@link JobView}).
 * Wire names and units live in codec.ts; inside, times say their unit in their name.
 */
import type { JobReason, KillReport } from "./outcome.ts";

/** The states of a job, in the order in which they are passed. `finished` and `error` are final and never change. */
export const jobStatuses = ["created", "queued", "dispatched", "started", "finished", "error"] as const;
export type JobStatus = (typeof jobStatuses)[number];

export function isFinal(status: JobStatus): status is "finished" | "error" {
  return status === "finished" || status === "error";
}

/** One signature over the canonical bytes of a job: both members are hex, as on the wire. */
export interface JobSignature {
  /** 33 or 65 bytes, secp256k1 point. */
  readonly publicKey: string;
  /** 64 bytes, r then s. */
  readonly signature: string;
}

/**
 * What a client asks for, after its shape was checked. It never changes after that: what is verified, what is
 * signed and what is executed are one object.
 */
export interface Job {
  /** `[A-Za-z0-9._-]{1,128}`, unique per runner. */
  readonly id: string;
  /** The runner id whose queue the job waits in, same pattern as `id`. */
  readonly runner: string;
  /** Who asks. Empty when the client did not say. */
  readonly callerId: string;
  readonly contextId: string;
  /** Empty, or the type of the runner that may execute it. */
  readonly executor: string;
  /** The script. Valid Unicode, passed on byte for byte. */
  readonly payload: string;
  /** As the client stated it, 1 to 604800; undefined when it left the choice to the runner. */
  readonly timeoutSeconds: number | undefined;
  /** A Map, because the names come from outside. */
  readonly envVars: ReadonlyMap<string, string>;
  /** How often the job may be started, 1 to 10; more than 1 matters only when a runner is lost. */
  readonly maxAttempts: number;
  /** W3C traceparent, or empty. Not signed. */
  readonly trace: string;
  readonly createdAtSeconds: number | undefined;
  readonly expiresAtSeconds: number | undefined;
  readonly audience: string;
  /** 32 hex digits, or empty. */
  readonly nonce: string;
  readonly signatures: readonly JobSignature[];
}

declare const verified: unique symbol;

/** A job that passed admission. Only `admit` makes one, and `processJob` accepts nothing less. */
export type VerifiedJob = Job & {
  readonly [verified]: true;
  /** The effective timeout: the job's own, else the runner's default. 1000 to 604 800 000. */
  readonly timeoutMs: number;
  /** Names from the trust file whose signatures counted; empty where signatures are off. */
  readonly signers: readonly string[];
  /** Patterns of the actions that the signers may use; undefined means every action. Never empty. */
  readonly allowedActions: readonly string[] | undefined;
  /** The signers may set environment variables that are refused otherwise. */
  readonly envUnsafe: boolean;
  /** Wall clock, ms: the job must not be started after this. */
  readonly notAfterMs: number | undefined;
  /** Set for signed jobs: what the guards against repetition must remember before the process starts. */
  readonly replay: ReplayGuard | undefined;
};

/** A signed job is started at most `maxStarts` times, whatever the store says of it. */
export interface ReplayGuard {
  /** SHA-256 of the signed bytes, hex. */
  readonly digest: string;
  /** The smaller of the job's wish and the signers' permission. */
  readonly maxStarts: number;
  /**
   * `expires_at`, ms: the same whatever trust file judges. It may be started up to a day later, as `max_skew_s` allows.
   * Undefined for version 1, which knows no end.
   */
  readonly untilMs: number | undefined;
  /** How long the guard in the store must hold, from the check on. */
  readonly guardMs: number;
}

/**
 * The view of a job that every surface shows (RPC and `--json` in snake_case, the SDK in camelCase).
 * Values of environment variables are never part of it. Times with `Ms` are Redis time, milliseconds since 1970.
 */
export interface JobView {
  readonly id: string;
  readonly runner: string;
  readonly status: JobStatus;
  readonly reason?: JobReason;
  /** Standard output, exactly, except for what `droppedBytes` counts. */
  readonly result?: string;
  readonly stderr?: string;
  /** One sentence for people, then the end of stderr. */
  readonly error?: string;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly attempt: number;
  readonly callerId?: string;
  readonly contextId?: string;
  readonly executor?: string;
  readonly timeoutSeconds: number;
  readonly maxAttempts: number;
  readonly createdAtSeconds?: number;
  readonly expiresAtSeconds?: number;
  readonly queuedAtMs?: number;
  readonly dispatchedAtMs?: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly durationMs?: number;
  readonly stdoutBytes?: number;
  readonly stderrBytes?: number;
  readonly droppedBytes?: number;
  readonly owner?: string;
  readonly isolation?: string;
  readonly signers?: readonly string[];
  /** What was done to end the job's processes, when that was needed. */
  readonly kill?: KillReport;
  /** The runner's signed statement of the outcome: JSON text, for `verifyReceipt` of `@herorunner/job/trust`. */
  readonly receipt?: string;
  readonly envNames: readonly string[];
  readonly payload: string;
}
