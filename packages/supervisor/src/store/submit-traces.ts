/** Handing in a job as a span: the job gets its traceparent, so that what the runner does stands below it. */
import { parseTraceparent, traceClock, type Tracing } from "@herorunner/daemon";
import { ClientError, type JobRequest, keysOf, type Submitted } from "@herorunner/job";

/** `parent` is the trace that the job names, else that of the request; the latter may be any text. */
export type SubmitTraces = (
  request: JobRequest,
  parent: string | undefined,
  submit: (request: JobRequest) => Promise<Submitted>,
) => Promise<Submitted>;

/** The job belongs to the trace of its request, and nothing else is done. */
export const untraced: SubmitTraces = (request, parent, submit) => submit(below(request, parent));

export function submitTraces(tracing: Tracing, keyPrefix: string): SubmitTraces {
  return async (request, parent, submit) => {
    const now = traceClock();
    const { runner, payload } = request;
    const span = tracing.start("submit", {
      ...{ kind: "producer", parent, startMs: now() },
      attributes: {
        "messaging.system": "redis",
        "messaging.operation.type": "send",
        "messaging.operation.name": "submit",
        "messaging.destination.name": keysOf(runner, keyPrefix).queue,
        "messaging.message.body.size": Buffer.byteLength(payload),
        "hero.runner.id": runner,
      },
    });
    try {
      // A trace that is not kept stays as it came, so that nobody looks for a span that was never sent.
      const place = span.recorded ? span.traceparent : (known(parent) ?? span.traceparent);
      const submitted = await submit(below(request, place));
      const { id, outcome } = submitted;
      span.set({ "messaging.message.id": id, "hero.job.id": id, "hero.submit.outcome": outcome });
      return submitted;
    } catch (error) {
      span.fail(error instanceof ClientError ? error.code.toLowerCase() : "internal");
      throw error;
    } finally {
      span.end(now());
    }
  };
}

/** A job that names something else than a trace is handed in as it is, and refused. */
function below(request: JobRequest, place: string | undefined): JobRequest {
  if (request.trace && known(request.trace) === undefined) return request;
  const trace = known(place);
  return trace === undefined ? request : { ...request, trace };
}

/** Of later versions the part that all of them have. */
function known(traceparent: string | undefined): string | undefined {
  return parseTraceparent(traceparent) === undefined ? undefined : traceparent?.slice(0, 55);
}
