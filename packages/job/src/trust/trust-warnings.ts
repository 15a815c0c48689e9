/** What an operator should be told about a trust file that is valid: keys that end soon, keys the whole world knows. */
import type { Signer, TrustFile } from "./trust-file.ts";

/** The keys of the published test vectors. Their secret halves are printed there. */
export const publicTestKeys: ReadonlyMap<string, string> = new Map([
  ["02a62e37079c6fb29fed51936fa9c95cc6b6cdb45fdc60aa0da3f6ea7505bf4eb3", "alice"],
  ["036ea7c1752838154f1a135824a7c959b7d749bda010ba3217ca6ab691820c6df6", "bob"],
  ["02568de1a79a408a2e1e7827845aa51f5eedf74d3522f57ca10bc1a4c9e5b13aa4", "carol"],
  ["0368b2cd00eebe057e9302a606b244ffe65d561bcc63d6893be8dcb268b331a0a9", "mallory"],
  ["023a4d7aef89ccc4c268123e889c911335037cc200d450d5d413e69137d5d6ef2a", "retired"],
]);

const daySeconds = 86_400;
/** Time enough to make, spread and try a new key. */
const noticeDays = 30;

/** Whether `other` is a key of the same person that counts when `ending` ends, and for longer. */
function succeeds(other: Signer, ending: Signer): boolean {
  const end = ending.notAfterSeconds ?? Infinity;
  return (
    other.name === ending.name &&
    (other.notBeforeSeconds ?? 0) <= end &&
    (other.notAfterSeconds ?? Infinity) > end
  );
}

/** Sentences, most pressing first. `nowSeconds` is unix time. */
export function trustWarnings(trust: TrustFile, nowSeconds: number): readonly string[] {
  const warnings: string[] = [];
  for (const { name, publicKey } of trust.signers) {
    if (publicTestKeys.has(publicKey)) {
      warnings.push(
        `the key of ${name} is a public test key: anybody can sign with it. Replace it before this runner does real work`,
      );
    }
  }
  for (const signer of trust.signers) {
    const { name, notAfterSeconds } = signer;
    if (notAfterSeconds === undefined) continue;
    const daysLeft = Math.floor((notAfterSeconds - nowSeconds) / daySeconds);
    if (daysLeft < 0)
      warnings.push(`a key of ${name} has ended (not_after); remove it when its successor works`);
    else if (daysLeft < noticeDays && !trust.signers.some((other) => succeeds(other, signer))) {
      const when = daysLeft === 0 ? "in less than a day" : `in ${daysLeft} days`;
      warnings.push(`a key of ${name} ends ${when} (not_after); add its successor beside it now`);
    }
  }
  const usable = trust.signers.filter(
    (signer) =>
      nowSeconds >= (signer.notBeforeSeconds ?? 0) &&
      nowSeconds <= (signer.notAfterSeconds ?? Number.MAX_SAFE_INTEGER),
  );
  if (new Set(usable.map((signer) => signer.name)).size < trust.threshold) {
    warnings.push("too few keys are within their dates to meet the threshold: every job will be refused");
  }
  return warnings;
}
