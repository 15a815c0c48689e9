/** Which traces are kept, by the standard variables OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG. */
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "../logger.ts";
import type { TracingOptions } from "./tracing.ts";

/** Whoever began a trace decides; those that begin here are kept, unless the variables say otherwise. */
export function samplerOf(env: TracingOptions["env"], logger: Logger): Sampler {
  const name = env["OTEL_TRACES_SAMPLER"] || "parentbased_always_on";
  const found = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name);
  if (found === null)
    logger.error({ sampler: name }, "OTEL_TRACES_SAMPLER is not known; every trace is kept");
  const own = ownSampler(found?.[2], env["OTEL_TRACES_SAMPLER_ARG"], logger);
  return found !== null && found[1] === undefined ? own : new ParentBasedSampler({ root: own });
}

function ownSampler(name: string | undefined, argument: string | undefined, logger: Logger): Sampler {
  if (name === "always_off") return new AlwaysOffSampler();
  if (name !== "traceidratio") return new AlwaysOnSampler();
  const ratio = Number(argument || "1");
  if (ratio >= 0 && ratio <= 1) return new TraceIdRatioBasedSampler(ratio);
  logger.error({}, "OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1; every trace is kept");
  return new AlwaysOnSampler();
}
