/**
 * The closing line of a CI run: `node totals.mjs REPORT FAILED_CHECKS` counts the tests in vitest's JSON report,
 * adds the failed checks to the failures, and exits 1 if there are any or if no test ran at all.
 */
import { readFileSync } from "node:fs";

const [report = "", checks = "0"] = process.argv.slice(2);
const { passed, failed, skipped } = count(report);
const failures = failed + Number(checks);
if (skipped > 0) console.log(`skipped: ${skipped}`);
if (passed + failed === 0) console.log("failed: no test ran");
console.log(`herorunner: ${passed} passed, ${failures} failed`);
process.exitCode = failures > 0 || passed === 0 ? 1 : 0;

/** @param {string} path @returns {{ passed: number, failed: number, skipped: number }} */
function count(path) {
  try {
    const totals = JSON.parse(readFileSync(path, "utf8"));
    return {
      passed: Number(totals.numPassedTests),
      failed: Number(totals.numFailedTests),
      skipped: Number(totals.numPendingTests) + Number(totals.numTodoTests),
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}
