/**
 * Trust as admission sees it: one pure function from a decoded job and the time to yes or no. The three modes live here;
 * what a signature is worth is verify.ts. A reload makes a new Trust and swaps it in, for all jobs that are not started yet.
 */
import type { Job, ReplayGuard } from "../job.ts";
import type { JobReason } from "../outcome.ts";
import { jobBytesV1, sha256Hex } from "./canonical.ts";
import { grantProblem, type ListedActions } from "./grants.ts";
import { longestSkewSeconds, type TrustFile } from "./trust-file.ts";
import { verifyJob, type Verification } from "./verify.ts";

export const signatureModes = ["required", "warn", "off"] as const;
export type SignatureMode = (typeof signatureModes)[number];

export interface Trust {
  readonly mode: SignatureMode;
  /**
   * Judges a decoded job. `unknownFields`: names in its hash beside the client's own. `nowMs`: wall clock of this host.
   * Pure: same arguments, same answer. Never throws for anything the job holds.
   */
  check(job: Job, unknownFields: readonly string[], nowMs: number): TrustVerdict;
}

export type TrustVerdict =
  | {
      readonly ok: true;
      /** Names that counted; empty when nothing was checked or something was forgiven. */
      readonly signers: readonly string[];
      /** Set when the mode `warn` forgave something: a sentence for the log. */
      readonly warning?: string;
      /** Patterns for `hero --allow`; undefined means every action. Never empty. */
      readonly allowedActions: readonly string[] | undefined;
      /** The job may set environment variables that are refused otherwise. */
      readonly envUnsafe: boolean;
      /** The effective `max_attempts`. */
      readonly maxStarts: number;
      /** The job must not be started after this moment; look again right before the process starts. */
      readonly notAfterMs: number | undefined;
      /** Set when signatures counted: what the guards against repetition must remember before the process starts. */
      readonly replay: ReplayGuard | undefined;
    }
  | { readonly ok: false; readonly reason: JobReason; readonly message: string };

export interface TrustOptions {
  readonly mode: SignatureMode;
  /** Needed by the modes required and warn. */
  readonly file?: TrustFile;
  /** The id of the runner that asks. */
  readonly runner: string;
  /** Wins over the audience of the file. */
  readonly audience?: string;
  readonly acceptV1?: boolean;
  /** The parser that `hero` itself uses. Without it, jobs of signers with limited actions are refused. */
  readonly listActions?: (payload: string) => ListedActions;
}

/** Signatures of version 1 know no expiry; a start is remembered this long. */
const v1GuardMs = 30 * 86_400_000;
/** The store's clock may run faster than ours. */
const guardMarginMs = 60_000;

/** Throws TypeError when a mode that checks signatures is given no trust file. */
export function createTrust(options: TrustOptions): Trust {
  const { mode, file, audience } = options;
  if (mode === "off") {
    return { mode, check: (job, _unknownFields, nowMs) => unsignedVerdict(job, audience, nowMs) };
  }
  if (file === undefined) throw new TypeError(`signatures ${mode} needs a trust file`);
  const trust = audience === undefined ? file : { ...file, audience };
  const policy = { trust, runner: options.runner, acceptV1: options.acceptV1 === true };
  return {
    mode,
    check(job, unknownFields, nowMs) {
      if (mode === "warn" && job.signatures.length === 0) {
        return unsignedVerdict(
          job,
          trust.audience,
          nowMs,
          "the job carries no signature; signatures are set to warn",
        );
      }
      const result = verifyJob({ job, unknownFields }, policy, { nowSeconds: nowMs / 1000 });
      if (mode === "warn" && result.onlyUnknownKeys) {
        const warning = `no key of the job is in the trust file; signatures are set to warn`;
        return unsignedVerdict(job, trust.audience, nowMs, warning);
      }
      return signedVerdict(job, result, { trust, nowMs, listActions: options.listActions });
    },
  };
}

interface SignedContext {
  readonly trust: TrustFile;
  readonly nowMs: number;
  readonly listActions: TrustOptions["listActions"];
}

function signedVerdict(
  job: Job,
  result: Verification,
  { trust, nowMs, listActions }: SignedContext,
): TrustVerdict {
  if (!result.valid) {
    return {
      ok: false,
      reason: result.reason ?? "internal",
      message: result.message ?? "the signature check failed",
    };
  }
  const { privileges } = result;
  const problem = grantProblem(job.payload, privileges, listActions);
  if (problem !== undefined) return { ok: false, reason: "not_granted", message: problem };
  const expires = job.expiresAtSeconds;
  const untilMs = expires === undefined ? undefined : expires * 1000;
  // A job of version 1 must have one name, in whichever spelling it was signed this time.
  const digest = untilMs === undefined ? sha256Hex(jobBytesV1(job, "kv")) : result.digest;
  const maxStarts = Math.min(job.maxAttempts, privileges.maxAttempts);
  // The next trust file may forgive more than this one.
  const guardMs =
    untilMs === undefined ? v1GuardMs : untilMs + longestSkewSeconds * 1000 - nowMs + guardMarginMs;
  return {
    ok: true,
    signers: result.signers,
    allowedActions: privileges.allowedActions,
    envUnsafe: privileges.envUnsafe,
    maxStarts,
    notAfterMs: untilMs === undefined ? undefined : untilMs + trust.maxSkewSeconds * 1000,
    replay: { digest, maxStarts, untilMs, guardMs: Math.ceil(guardMs) },
  };
}

/** A job that nobody vouches for is still held to its own words. */
function unsignedVerdict(
  job: Job,
  audience: string | undefined,
  nowMs: number,
  warning?: string,
): TrustVerdict {
  if (audience !== undefined && job.audience !== "" && job.audience !== audience) {
    const message = `audience is ${JSON.stringify(job.audience)}; this runner serves ${JSON.stringify(audience)}`;
    return { ok: false, reason: "wrong_audience", message };
  }
  const notAfterMs = job.expiresAtSeconds === undefined ? undefined : job.expiresAtSeconds * 1000;
  if (notAfterMs !== undefined && nowMs > notAfterMs) {
    const ago = Math.ceil((nowMs - notAfterMs) / 1000);
    return { ok: false, reason: "expired", message: `expires_at was ${ago} s ago; submit the job again` };
  }
  return {
    ok: true,
    signers: [],
    ...(warning === undefined ? {} : { warning }),
    allowedActions: undefined,
    envUnsafe: false,
    maxStarts: job.maxAttempts,
    notAfterMs,
    replay: undefined,
  };
}
