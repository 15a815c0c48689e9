/** The public names of `@herorunner/job/trust`: signing, checking, trust files, keys and receipts. A test pins the list. */
export { jobBytes, jobBytesV1, jobDigest, jobPayloadType } from "./canonical.ts";
export type { V1EnvForm } from "./canonical.ts";
export { refusalCodes } from "./codes.ts";
export type { RefusalCode } from "./codes.ts";
export { matchesAny } from "./grants.ts";
export type { ListedActions, Privileges } from "./grants.ts";
export { readJobFile, writeJobFile } from "./job-file.ts";
export type { ReadJob } from "./job-file.ts";
export { generateKey, generateKeyFile, KeyFileError, loadKeyFile, parseKeyFile } from "./key-file.ts";
export type { SecretKey } from "./key-file.ts";
export {
  receiptBytes,
  receiptMismatch,
  receiptPayloadType,
  receiptStatement,
  signReceipt,
  verifyReceipt,
} from "./receipt.ts";
export type { ReadReceipt, ReceiptedRecord, ReceiptFacts, ReceiptStatement } from "./receipt.ts";
export { completeJob, cosignJob, SigningError, signJob } from "./sign-job.ts";
export type { SignOptions } from "./sign-job.ts";
export { loadSignatureCheck, signatureCheckWishes } from "./load-signature-check.ts";
export type { LoadedSignatureCheck, PassedBy, SignatureCheckWish } from "./load-signature-check.ts";
export { checkSignaturesWith, readPublicKey } from "./signature.ts";
export type { SignatureCheck } from "./signature.ts";
export { createTrust, signatureModes } from "./trust.ts";
export type { SignatureMode, Trust, TrustOptions, TrustVerdict } from "./trust.ts";
export { parseTrustFile } from "./trust-file.ts";
export type { ParsedTrust, Signer, TrustFile } from "./trust-file.ts";
export { publicTestKeys, trustWarnings } from "./trust-warnings.ts";
export { verifyJob } from "./verify.ts";
export type { Check, Verification, VerifyInput, VerifyMoment, VerifyPolicy } from "./verify.ts";
export { runVerifyCommand } from "./verify-command.ts";
export type { CommandAnswer, VerifyCommand } from "./verify-command.ts";
