/**
 * The main line of a runner. Start reading here.
 *
 *   claim → admit → start → process → settle
 *
 * Data only moves right. A refused job takes the same road to settle as any other. `runOne` never rejects: what nobody
 * expected becomes the outcome `internal`, an absent queue is waited out, a lost claim ends the work and writes nothing.
 */
import { type Claim, type ErrorOutcome, failed, type JobOutcome, type VerifiedJob } from "@herorunner/job";
import type { Admission, Refusal } from "./admit.ts";
import type { RunningHost } from "./host.ts";
import type { HeldLease } from "./lease.ts";
import { LiveLog } from "./live-log.ts";
import type { JobContext, Runner } from "./runner.ts";
import { settle } from "./settle.ts";
import type { Slot } from "./slots.ts";
import { refusedAtStart, replayed } from "./start-checks.ts";

/** Takes and runs jobs until `host.draining`; resolves when the last one is settled. */
export async function runLoop(runner: Runner, host: RunningHost): Promise<void> {
  while (!host.draining.aborted) {
    await host.gate.open();
    const most = await host.slots.reserve(host.draining); // never take a job that cannot start at once
    host.tell({ kind: "waiting" });
    const taken = await host.patience.until(
      "claim",
      () => host.queue.claim(host.gate.taking, { ...host.claimOptions, most }),
      host.draining,
    );
    const claims = taken ?? [];
    host.slots.free(most - claims.length);
    for (const claim of claims) host.slots.run((slot) => runOne({ claim, slot }, runner, host));
    if (claims.length === 0 && (await burstIsOver(host))) break;
  }
  await host.slots.idle();
}

/** In a burst no claim means that nothing waits, unless it is a pause or the drain that says so. */
async function burstIsOver(host: RunningHost): Promise<boolean> {
  if (!host.burst || host.gate.taking.aborted) return false;
  if (host.slots.busy === 0) return true;
  await host.slots.idle(); // one of them may come back to the queue
  return false;
}

interface Taken {
  readonly claim: Claim;
  readonly slot: Slot;
}

/** One job, from its claim to its end. */
async function runOne({ claim, slot }: Taken, runner: Runner, host: RunningHost): Promise<void> {
  const lease = host.leases.hold(claim);
  const log = new LiveLog(
    (entries) => host.queue.appendLog(claim, entries),
    host.clock,
    (bytes) => host.tell({ kind: "log_dropped", jobId: claim.jobId, bytes }),
  );
  try {
    const admission = host.admit(claim);
    host.tell({ kind: "admitted", claim, admission });
    const end = admission.ok ? await startAndProcess(admission, { lease, log }, runner, host) : admission;
    if (typeof end === "string") return host.tell({ kind: end, claim });
    const judged = "ok" in end ? { admission: end, outcome: end.outcome } : { admission, outcome: end };
    await settle({ claim, ...judged, log: await log.end(), slot }, host);
  } finally {
    lease.release();
    await log.end();
  }
}

/** What goes on beside a job while it runs. */
interface Beside {
  readonly lease: HeldLease;
  readonly log: LiveLog;
}

async function startAndProcess(
  admission: Extract<Admission, { ok: true }>,
  beside: Beside,
  runner: Runner,
  host: RunningHost,
): Promise<JobOutcome | Refusal | "released" | "lost" | "unsettled"> {
  const { job } = admission;
  const { lease } = beside;
  const { claim } = lease;
  if (lease.stopReason === "shutdown") {
    const answer = await host.patience.until("release", () => host.queue.release(claim), host.givingUp);
    return answer ?? "unsettled";
  }
  const answer = await host.patience.until(
    "start",
    () => host.queue.start(claim, admission.startOptions),
    host.givingUp,
  );
  switch (answer) {
    case undefined:
      return "unsettled";
    case "lost":
      return "lost";
    case "cancelled":
      return failed("cancelled", "cancelled before it was started");
    case "replayed":
      return replayed(job);
    case "started": {
      const noMore = whatStopped(lease) ?? (await refusedAtStart(claim, admission, host));
      if (noMore !== undefined) return noMore;
      host.tell({ kind: "started", claim, job });
      return processSafely(job, beside, runner, host);
    }
  }
}

async function processSafely(
  job: VerifiedJob,
  { lease, log }: Beside,
  runner: Runner,
  host: RunningHost,
): Promise<JobOutcome | "lost"> {
  const context: JobContext = {
    signal: lease.signal,
    clock: host.clock,
    logger: host.logger.child({ id: job.id }),
    claim: lease.claim,
    log: (stream, offset, data) => log.write(stream, offset, data),
  };
  try {
    const outcome = await runner.processJob(job, context);
    return lease.stopReason === "lost" ? "lost" : outcome;
  } catch (error) {
    const stopped = whatStopped(lease);
    if (stopped !== undefined) return stopped;
    context.logger.error({ error }, "the runner's own code failed");
    const text = error instanceof Error ? error.message : String(error);
    return failed("internal", `the runner failed while processing the job: ${text}`);
  }
}

function whatStopped({ stopReason }: HeldLease): ErrorOutcome | "lost" | undefined {
  return stopReason === undefined || stopReason === "lost" ? stopReason : stoppedOutcome(stopReason);
}

/** How a job ends that was stopped from outside and has nothing more to say. */
export function stoppedOutcome(why: "cancelled" | "shutdown"): ErrorOutcome {
  return why === "cancelled"
    ? failed("cancelled", "cancelled while it ran; its processes were ended")
    : failed("shutdown", "the runner was stopped while the job ran; submit it again");
}
