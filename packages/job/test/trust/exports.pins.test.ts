import { expect, it } from "vitest";
import * as trust from "../../src/trust/index.ts";

it("exports exactly the names that others build on", () => {
  expect(Object.keys(trust).sort()).toEqual([
    "KeyFileError",
    "SigningError",
    "checkSignaturesWith",
    "completeJob",
    "cosignJob",
    "createTrust",
    "generateKey",
    "generateKeyFile",
    "jobBytes",
    "jobBytesV1",
    "jobDigest",
    "jobPayloadType",
    "loadKeyFile",
    "loadSignatureCheck",
    "matchesAny",
    "parseKeyFile",
    "parseTrustFile",
    "publicTestKeys",
    "readJobFile",
    "readPublicKey",
    "receiptBytes",
    "receiptMismatch",
    "receiptPayloadType",
    "receiptStatement",
    "refusalCodes",
    "runVerifyCommand",
    "signJob",
    "signReceipt",
    "signatureCheckWishes",
    "signatureModes",
    "trustWarnings",
    "verifyJob",
    "verifyReceipt",
    "writeJobFile",
  ]);
});

it("names the signed types for good: a change would break every signature there is", () => {
  expect([trust.jobPayloadType, trust.receiptPayloadType]).toEqual([
    "application/vnd.hero.job.v2",
    "application/vnd.hero.receipt.v1",
  ]);
});
