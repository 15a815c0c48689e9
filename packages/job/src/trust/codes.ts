/**
 * Why a signature check refuses: the closed list of the published vectors, and the reason word that a job's record
 * shows for each. Several codes share a word; the word tells whom to ask, the code tells an implementer what to mend.
 */
import type { JobReason } from "../outcome.ts";

export const refusalCodes = [
  "BAD_FIELD",
  "NO_SIGNATURES",
  "TOO_MANY",
  "BAD_ENCODING",
  "BAD_PUBLIC_KEY",
  "HIGH_S",
  "BAD_SIGNATURE",
  "NOT_ALLOWED",
  "DUPLICATE_SIGNER",
  "THRESHOLD",
  "EXPIRED",
  "NOT_YET_VALID",
  "AUDIENCE",
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

/** The usual word for a code. A bad variable and a foreign runner have words of their own, see verify.ts. */
export const reasonOfCode: Readonly<Record<RefusalCode, JobReason>> = {
  BAD_FIELD: "malformed",
  NO_SIGNATURES: "unsigned",
  TOO_MANY: "malformed",
  BAD_ENCODING: "bad_signature",
  BAD_PUBLIC_KEY: "bad_signature",
  HIGH_S: "bad_signature",
  BAD_SIGNATURE: "bad_signature",
  NOT_ALLOWED: "untrusted_signer",
  DUPLICATE_SIGNER: "threshold_not_met",
  THRESHOLD: "threshold_not_met",
  EXPIRED: "expired",
  NOT_YET_VALID: "not_yet_valid",
  AUDIENCE: "wrong_audience",
};
