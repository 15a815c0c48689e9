/**
 * One trace for each job: `job`, and below it `wait`, `verify`, `run` and `settle`, each beginning where the one before ended. Made
 * from what happens anyway; the loop knows nothing of it. Ids, counts and reasons only: no script, no output, no variable.
 */
import {
  type Logger,
  openTracing,
  parseTraceparent,
  type Span,
  type SpanAttributes,
  traceClock,
  type Tracing,
} from "@herorunner/daemon";
import { type Claim, type JobOutcome, keysOf, type VerifiedJob } from "@herorunner/job";
import type { Admission, Admit, RunnerEvent } from "@herorunner/runner";
import { waitedMsOf } from "./metrics.ts";
import type { Parts } from "./parts.ts";
import { version } from "./version.ts";

export interface JobTraces {
  readonly admit: (admit: Admit) => Admit;
  readonly event: (event: RunnerEvent) => void;
  /** Around the processes of a job. `work` is told the traceparent that they should see. */
  readonly process: (
    job: VerifiedJob,
    claim: Claim,
    work: (trace: string) => Promise<JobOutcome>,
  ) => Promise<JobOutcome>;
}

/** Jobs keep the trace they brought, and nothing else is done. */
export const noTraces: JobTraces = {
  admit: (admit) => admit,
  event: () => undefined,
  process: (job, _claim, work) => work(job.trace),
};

/** Undefined when no traces are wanted. */
export function openRunnerTracing({ config, logger }: Parts): Promise<Tracing | undefined> {
  const endpoint = config.otlpEndpoint;
  return openTracing({ endpoint, serviceName: "herorunner", version, env: process.env, logger });
}

export interface JobTracesOptions {
  readonly tracing: Tracing;
  readonly runnerId: string;
  readonly keyPrefix: string;
  readonly logger: Logger;
}

export function jobTraces(options: JobTracesOptions): JobTraces {
  const traces = new WeakMap<Claim, JobTrace>();
  return {
    admit: (admit) => (claim) => {
      const now = traceClock();
      const takenMs = now();
      const admission = admit(claim);
      try {
        const trace = begin({ claim, admission, takenMs, now }, options);
        if (trace !== undefined) traces.set(claim, trace);
      } catch (error) {
        options.logger.error({ id: claim.jobId, error }, "a job cannot be traced; it goes on without");
      }
      return admission;
    },
    event: (event) => {
      if ("claim" in event) traces.get(event.claim)?.event(event);
    },
    process: async (job, claim, work) => {
      const trace = traces.get(claim);
      if (trace === undefined) return work(job.trace);
      let outcome: JobOutcome | undefined;
      try {
        return (outcome = await work(trace.place));
      } finally {
        trace.processed(outcome);
      }
    },
  };
}

interface Taken {
  readonly claim: Claim;
  readonly admission: Admission;
  readonly takenMs: number;
  readonly now: () => number;
}

/** Undefined when whoever began the trace does not want it kept. */
function begin(taken: Taken, { tracing, runnerId, keyPrefix }: JobTracesOptions): JobTrace | undefined {
  const { claim, takenMs } = taken;
  // A job that was given back or taken over has done more than wait since it was queued.
  const waitedMs = claim.claims === 1 ? waitedMsOf(claim) : undefined;
  const startMs = takenMs - (waitedMs ?? 0);
  const payloadBytes = claim.fields.get("payload")?.byteLength;
  const root = tracing.start("job", {
    ...{ kind: "consumer", parent: parentOf(claim), startMs },
    attributes: {
      "messaging.system": "redis",
      "messaging.operation.type": "process",
      "messaging.operation.name": "process",
      "messaging.destination.name": keysOf(runnerId, keyPrefix).queue,
      "messaging.message.id": claim.jobId,
      ...(payloadBytes !== undefined && { "messaging.message.body.size": payloadBytes }),
      "hero.job.id": claim.jobId,
      "hero.job.claims": claim.claims,
      "hero.runner.id": runnerId,
    },
  });
  if (!root.recorded) return undefined;
  if (waitedMs !== undefined) tracing.start("wait", { parent: root.traceparent, startMs }).end(takenMs);
  return new JobTrace(taken, tracing, root);
}

/** The hash belongs to clients: what is no traceparent begins a trace of its own. */
function parentOf({ fields }: Claim): string | undefined {
  const bytes = fields.get("trace");
  if (bytes === undefined || bytes.byteLength > 55) return undefined;
  const text = Buffer.from(bytes).toString("latin1");
  return parseTraceparent(text) === undefined ? undefined : text;
}

type Phase = "verify" | "run" | "settle";

/** From the claim to the end. Exactly one of the spans below `job` is open. */
class JobTrace {
  readonly #tracing: Tracing;
  readonly #root: Span;
  readonly #now: () => number;
  #phase: Phase = "verify";
  #span: Span;

  constructor({ admission, takenMs, now }: Taken, tracing: Tracing, root: Span) {
    this.#tracing = tracing;
    this.#root = root;
    this.#now = now;
    this.#span = tracing.start("verify", { parent: root.traceparent, startMs: takenMs });
    if (admission.ok) root.set(askedFor(admission.job));
    else {
      this.#span.fail(admission.outcome.reason);
      this.#enter("settle");
    }
  }

  /** The traceparent of what goes on now. */
  get place(): string {
    return this.#span.traceparent;
  }

  processed(outcome: JobOutcome | undefined): void {
    if (this.#phase !== "run") return;
    this.#span.set(outcome === undefined ? {} : factsOf(outcome));
    if (outcome?.kind !== "finished") this.#span.fail(outcome?.reason ?? "internal");
    this.#enter("settle");
  }

  event(event: Extract<RunnerEvent, { readonly claim: Claim }>): void {
    switch (event.kind) {
      case "admitted":
        return;
      case "rejudged": {
        const { job, verdict } = event;
        this.#root.set({ "hero.job.signers": verdict.ok ? job.signers : [] });
        if (verdict.ok) return;
        this.#span.fail(verdict.outcome.reason);
        return this.#enter("settle");
      }
      case "started":
        return this.#enter("run");
      case "settled": {
        const { outcome } = event;
        if (outcome.kind === "finished") return this.#end("finished");
        // Refused between admission and start: cancelled, replayed, expired meanwhile.
        if (this.#phase === "verify") this.#span.fail(outcome.reason);
        return this.#end("error", outcome.reason);
      }
      case "released":
        return this.#end("released");
      case "lost":
      case "unsettled":
        return this.#end(event.kind, event.kind);
    }
  }

  #enter(phase: Phase): void {
    const nowMs = this.#now();
    this.#span.end(nowMs);
    this.#phase = phase;
    this.#span = this.#tracing.start(phase, { parent: this.#root.traceparent, startMs: nowMs });
  }

  #end(status: "finished" | "error" | "released" | "lost" | "unsettled", reason?: string): void {
    const nowMs = this.#now();
    if (this.#phase === "settle" && (status === "lost" || status === "unsettled")) this.#span.fail(status);
    this.#span.end(nowMs);
    this.#root.set({ "hero.job.status": status });
    if (reason !== undefined) this.#root.fail(reason);
    this.#root.end(nowMs);
  }
}

function askedFor({ callerId, contextId, signers, timeoutMs }: VerifiedJob): SpanAttributes {
  return {
    ...(callerId !== "" && { "hero.job.caller_id": callerId }),
    ...(contextId !== "" && { "hero.job.context_id": contextId }),
    ...(signers.length > 0 && { "hero.job.signers": signers }),
    "hero.job.timeout_s": timeoutMs / 1000,
  };
}

function factsOf({ output, facts, ...outcome }: JobOutcome): SpanAttributes {
  const exitCode = outcome.kind === "finished" ? 0 : outcome.exitCode;
  const signal = outcome.kind === "error" ? outcome.signal : undefined;
  return {
    ...(exitCode !== undefined && { "process.exit.code": exitCode }),
    ...(signal !== undefined && { "hero.process.signal": signal }),
    ...(facts?.isolation !== undefined && { "hero.process.isolation": facts.isolation }),
    ...(output !== undefined && {
      "hero.process.stdout_bytes": output.stdoutBytes,
      "hero.process.stderr_bytes": output.stderrBytes,
    }),
  };
}
