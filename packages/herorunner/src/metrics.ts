/** Turns what happens into counts. Costs nothing while nobody scrapes; what can be asked for is in watch.ts. */
import type { Metrics } from "@herorunner/daemon";
import type { Claim, JobOutcome, ReclaimAnswer, VerifiedJob } from "@herorunner/job";
import type { ReplayJournal, RunnerEvent, SignReceipt, Verdict } from "@herorunner/runner";
import { metricTable as table, putAsideReasons, refusalReasons } from "./metric-table.ts";

/** Every counter of a runner, behind the names of what happens. */
export interface RunnerCounters {
  readonly event: (event: RunnerEvent) => void;
  readonly putAside: (what: { readonly why: string }) => void;
  readonly repaired: (jobIds: readonly string[]) => void;
  /** A job of an earlier process on this host was taken care of. */
  readonly recovered: (answer: ReclaimAnswer) => void;
  readonly reconnected: () => void;
  /** The same, counted. */
  readonly journal: (journal: ReplayJournal) => ReplayJournal;
  readonly receipts: (sign: SignReceipt) => SignReceipt;
}

export function createCounters(metrics: Metrics): RunnerCounters {
  const putAside = metrics.counter(table.putAside);
  const repaired = metrics.counter(table.repaired);
  const reconnects = metrics.counter(table.reconnects);
  const answers = metrics.counter(table.journal);
  const receipts = metrics.counter(table.receipts);
  const reclaimed = metrics.counter(table.reclaimed);
  // The first one counts: a series that begins with it hides it from increase().
  for (const answer of table.reclaimed.labels.answer)
    for (const found of table.reclaimed.labels.found) reclaimed.inc({ answer, found }, 0);
  return {
    event: countEvents(metrics, (answer) => reclaimed.inc({ answer, found: "overdue" })),
    putAside: ({ why }) => putAside.inc({ why: putAsideReasons.find((known) => known === why) ?? "bad_id" }),
    repaired: (jobIds) => repaired.inc({}, jobIds.length),
    recovered: (answer) => {
      if (answer !== "live" && answer !== "final") reclaimed.inc({ answer, found: "same_host" });
    },
    reconnected: () => reconnects.inc({}),
    journal: (journal) => ({
      accept: (guard) =>
        journal.accept(guard).then(
          (accepted) => {
            answers.inc({ answer: accepted ? "accepted" : "refused" });
            return accepted;
          },
          (error: unknown) => {
            answers.inc({ answer: "failed" });
            throw error;
          },
        ),
    }),
    receipts: (sign) => (job, facts) =>
      sign(job, facts).then(
        (receipt) => {
          receipts.inc({ result: "signed" });
          return receipt;
        },
        (error: unknown) => {
          receipts.inc({ result: "failed" });
          throw error;
        },
      ),
  };
}

type Reclaimed = Extract<RunnerEvent, { kind: "reclaimed" }>["answer"];
type Judged = Extract<RunnerEvent, { kind: "admitted" | "rejudged" }>;

function countEvents(metrics: Metrics, onReclaimed: (answer: Reclaimed) => void): RunnerCounters["event"] {
  const refusals = metrics.counter(table.refused);
  const refused = (reason: string): void =>
    refusals.inc({ reason: refusalReasons.find((known) => known === reason) ?? "internal" });
  const judged = countAdmissions(metrics, refused);
  const settled = countOutcomes(metrics, refused);
  const renewals = metrics.counter(table.renewals);
  const fenced = metrics.counter(table.fenced);
  const unsettled = metrics.counter(table.unsettled);
  const released = metrics.counter(table.released);
  const logDropped = metrics.counter(table.logDropped);
  return (event) => {
    switch (event.kind) {
      case "admitted":
      case "rejudged":
        return judged(event);
      case "settled":
        return settled(event.outcome);
      case "lost":
        return fenced.inc({ noticed: event.outcome === undefined ? "running" : "settling" });
      case "unsettled":
        return unsettled.inc({});
      case "released":
        return released.inc({});
      case "reclaimed":
        return onReclaimed(event.answer);
      case "renewed":
        for (const answer of event.answers) renewals.inc({ answer });
        return;
      case "log_dropped":
        return logDropped.inc({}, event.bytes);
      case "waiting":
      case "started":
    }
  };
}

/** What the trust in force has to say about a job; the other refusals are of its form. */
const signatureReasons: ReadonlySet<string> = new Set([
  ...["unsigned", "bad_signature", "untrusted_signer", "threshold_not_met", "expired", "not_yet_valid"],
  ...["wrong_audience", "not_granted"],
]);

type Refused = (reason: string) => void;

function countAdmissions(metrics: Metrics, refused: Refused): (event: Judged) => void {
  const claims = metrics.counter(table.claims);
  const waiting = metrics.histogram(table.waiting);
  const signatures = metrics.counter(table.signatures);
  const countVerdict = (verdict: Verdict, job: VerifiedJob | undefined): void => {
    if (!verdict.ok) {
      const { reason } = verdict.outcome;
      refused(reason);
      if (signatureReasons.has(reason)) signatures.inc({ result: "refused" });
    } else if (verdict.warning !== undefined) signatures.inc({ result: "forgiven" });
    else if (job !== undefined && job.signers.length > 0) signatures.inc({ result: "verified" });
  };
  return (event) => {
    if (event.kind === "rejudged") return countVerdict(event.verdict, event.job);
    const { claim, admission } = event;
    claims.inc({});
    const waitedMs = waitedMsOf(claim);
    if (waitedMs !== undefined) waiting.observe({}, waitedMs / 1000);
    countVerdict(admission, admission.ok ? admission.job : undefined);
  };
}

function countOutcomes(metrics: Metrics, refused: Refused): (outcome: JobOutcome) => void {
  const outcomes = metrics.counter(table.outcomes);
  outcomes.inc({ status: "finished", reason: "" }, 0);
  for (const reason of table.outcomes.labels.reason)
    if (reason !== "") outcomes.inc({ status: "error", reason }, 0);
  const durations = metrics.histogram(table.duration);
  const output = metrics.counter(table.output);
  const outputDropped = metrics.counter(table.outputDropped);
  const masked = metrics.counter(table.masked);
  const reaped = metrics.counter(table.reaped);
  const survivors = metrics.counter(table.survivors);
  const replays = metrics.counter(table.replays);
  return (outcome) => {
    const reason = outcome.kind === "error" ? outcome.reason : "";
    outcomes.inc({ status: outcome.kind, reason });
    if (reason === "replayed") {
      replays.inc({});
      refused(reason);
    }
    const { facts, output: written } = outcome;
    if (facts?.durationMs !== undefined) durations.observe({}, facts.durationMs / 1000);
    masked.inc({}, facts?.maskedCount ?? 0);
    reaped.inc({}, facts?.reaped ?? 0);
    survivors.inc({}, facts?.kill?.survivors.length ?? 0);
    if (written === undefined) return;
    output.inc({ stream: "stdout" }, written.stdoutBytes);
    output.inc({ stream: "stderr" }, written.stderrBytes);
    outputDropped.inc({}, written.droppedBytes);
  };
}

const longestWaitMs = 365 * 86_400_000;

/** Both times are Redis's own where the client is honest; a client may have written anything. */
export function waitedMsOf({ fields }: Claim): number | undefined {
  const [queued, taken] = ["queued_at", "dispatched_at"].map((name) => {
    const text = Buffer.from(fields.get(name)?.subarray(0, 16) ?? []).toString();
    return /^\d{13}$/.test(text) ? Number(text) : Number.NaN;
  });
  const waitedMs = (taken ?? Number.NaN) - (queued ?? Number.NaN);
  return waitedMs >= 0 && waitedMs <= longestWaitMs ? waitedMs : undefined;
}
