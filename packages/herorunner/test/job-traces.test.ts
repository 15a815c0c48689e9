/** How a trace of a job ends, whatever happens to the job; spans are kept in a list here, and sent in test/tracing. */
import type { Span, SpanAttributes, SpanStart, Tracing } from "@herorunner/daemon";
import { type Claim, failed, finished } from "@herorunner/job";
import { MemoryQueue } from "@herorunner/job/testing";
import { createAdmit, type RunnerEvent, silentLogger } from "@herorunner/runner";
import { expect, test } from "vitest";
import { jobTraces } from "../src/job-traces.ts";

interface KeptSpan {
  readonly name: string;
  readonly start: SpanStart;
  attributes: SpanAttributes;
  reason?: string;
  ends: number;
}

function keep(): Tracing & { readonly spans: readonly KeptSpan[]; tree(): Record<string, string> } {
  const spans: KeptSpan[] = [];
  return {
    spans,
    start: (name, start): Span => {
      const span: KeptSpan = { name, start, attributes: start.attributes ?? {}, ends: 0 };
      spans.push(span);
      return {
        traceparent: `00-${"a".repeat(32)}-${spans.length.toString(16).padStart(16, "0")}-01`,
        recorded: true,
        set: (more) => (span.attributes = { ...span.attributes, ...more }),
        fail: (reason) => (span.reason = reason),
        end: () => (span.ends += 1),
      };
    },
    counts: () => ({ sent: 0, dropped: 0 }),
    close: () => Promise.resolve(),
    /** Name to reason of failure, for spans that were ended once. */
    tree: () =>
      Object.fromEntries(
        spans.map(({ name, reason = "", ends }) => [name, ends === 1 ? reason : `ended ${ends} times`]),
      ),
  };
}

async function traced(changes: Partial<Claim> = {}, fields: Record<string, string> = {}) {
  const tracing = keep();
  const queue = new MemoryQueue();
  queue.store.submit("42", { payload: "true", ...fields });
  const taken = (await queue.claim(new AbortController().signal))[0]!;
  const claim: Claim = { ...taken, ...changes };
  const { runner } = queue.store;
  const traces = jobTraces({ tracing, runnerId: runner, keyPrefix: "hero:", logger: silentLogger });
  const admission = traces.admit(createAdmit({ runnerId: runner, runnerType: "hero" }))(claim);
  if (!admission.ok) throw new Error(admission.outcome.message);
  const { job } = admission;
  const tell = (event: RunnerEvent): void => traces.event(event);
  tell({ kind: "admitted", claim, admission });
  return { tracing, traces, claim, job, tell };
}

test("given back before it started: no run, and no error", async () => {
  const { tracing, claim, tell } = await traced();
  tell({ kind: "released", claim });
  expect(tracing.tree()).toMatchObject({ job: "", verify: "" });
  expect(tracing.spans.map(({ name }) => name)).not.toContain("run");
  expect(tracing.spans[0]?.attributes["hero.job.status"]).toBe("released");
});

test("cancelled before it started: verify says why", async () => {
  const { tracing, claim, tell } = await traced();
  tell({ kind: "settled", claim, outcome: failed("cancelled", "a sentence") });
  expect(tracing.tree()).toMatchObject({ job: "cancelled", verify: "cancelled" });
});

test("refused by a trust file that came before the start: verify says why, and no signer is named", async () => {
  const { tracing, claim, job, tell } = await traced();
  const signed = { ...job, signers: ["alice"] };
  tell({ kind: "rejudged", claim, job: signed, verdict: { ok: true } });
  expect(tracing.spans[0]?.attributes["hero.job.signers"]).toEqual(["alice"]);
  const outcome = failed("untrusted_signer", "a sentence");
  tell({ kind: "rejudged", claim, job: signed, verdict: { ok: false, outcome } });
  tell({ kind: "settled", claim, outcome });
  expect(tracing.tree()).toMatchObject({ job: "untrusted_signer", verify: "untrusted_signer", settle: "" });
  expect(tracing.spans[0]?.attributes["hero.job.signers"]).toEqual([]);
});

test("a claim that moved on while the job ran: the run says how it ended, settle and job that it was lost", async () => {
  const { tracing, traces, claim, job, tell } = await traced();
  tell({ kind: "started", claim, job });
  await traces.process(job, claim, () => Promise.resolve(failed("shutdown", "a sentence")));
  tell({ kind: "lost", claim });
  expect(tracing.tree()).toMatchObject({ job: "lost", verify: "", run: "shutdown", settle: "lost" });
});

test("an outcome that could not be stored", async () => {
  const { tracing, traces, claim, job, tell } = await traced();
  tell({ kind: "started", claim, job });
  const outcome = await traces.process(job, claim, () => Promise.resolve(finished("well")));
  tell({ kind: "unsettled", claim, outcome });
  expect(tracing.tree()).toMatchObject({ job: "unsettled", run: "", settle: "unsettled" });
});

test("a bug in the runner's own code ends the run as internal, and is still thrown", async () => {
  const { tracing, traces, claim, job, tell } = await traced();
  tell({ kind: "started", claim, job });
  await expect(traces.process(job, claim, () => Promise.reject(new Error("a bug")))).rejects.toThrow("a bug");
  tell({ kind: "settled", claim, outcome: failed("internal", "a sentence") });
  expect(tracing.tree()).toMatchObject({ job: "internal", run: "internal", settle: "" });
});

test("only what waited since it was queued has waited", async () => {
  const times = { queued_at: "1700000000000", dispatched_at: "1700000002500" };
  const stamped = (claim: Claim): Claim["fields"] =>
    new Map([...claim.fields, ...Object.entries(times).map(([k, v]) => [k, Buffer.from(v)] as const)]);
  const { claim } = await traced();
  const first = await traced({ fields: stamped(claim) });
  const [job, wait] = first.tracing.spans;
  expect([job?.name, wait?.name]).toEqual(["job", "wait"]);
  expect(wait?.start.startMs).toBe(job?.start.startMs);
  expect((first.tracing.spans[2]?.start.startMs ?? 0) - (job?.start.startMs ?? 0)).toBeCloseTo(2_500, 0);
  const second = await traced({ fields: stamped(claim), claims: 2 });
  expect(second.tracing.spans.map(({ name }) => name)).toEqual(["job", "verify"]);
});

test("tracing that fails fails no job", async () => {
  const broken: Tracing = {
    ...keep(),
    start: () => {
      throw new Error("a bug of the library");
    },
  };
  const { claim, job } = await traced();
  const traces = jobTraces({ tracing: broken, runnerId: "r", keyPrefix: "hero:", logger: silentLogger });
  const admission = { ok: true, job, startOptions: {} } as const;
  expect(traces.admit(() => admission)(claim)).toBe(admission);
  const outcome = finished("well");
  expect(await traces.process(job, claim, () => Promise.resolve(outcome))).toBe(outcome);
});
