import { openMetrics } from "@herorunner/daemon";
import { failed } from "@herorunner/job";
import { MemoryQueue } from "@herorunner/job/testing";
import { createAdmit } from "@herorunner/runner";
import { expect, test } from "vitest";
import { createCounters } from "../src/metrics.ts";

test("a job that a new trust judges before its start is counted as at admission, but taken once", async () => {
  const metrics = await openMetrics();
  const { event } = createCounters(metrics);
  const queue = new MemoryQueue();
  queue.store.submit("42", { payload: "true" });
  const claim = (await queue.claim(new AbortController().signal))[0]!;
  const admission = createAdmit({ runnerId: queue.store.runner, runnerType: "hero" })(claim);
  if (!admission.ok) throw new Error(admission.outcome.message);
  const job = { ...admission.job, signers: ["alice"] };
  event({ kind: "admitted", claim, admission });
  event({ kind: "rejudged", claim, job, verdict: { ok: true } });
  event({ kind: "rejudged", claim, job, verdict: { ok: true, warning: "unknown key" } });
  const outcome = failed("not_granted", "a sentence");
  event({ kind: "rejudged", claim, job, verdict: { ok: false, outcome } });
  event({ kind: "settled", claim, outcome });
  const { text } = await metrics.scrape();
  for (const line of [
    "claims_total 1",
    'refused_total{reason="not_granted"} 1',
    ...["verified", "forgiven", "refused"].map((result) => `signature_checks_total{result="${result}"} 1`),
  ])
    expect(text).toContain(`herorunner_${line}\n`);
});
