/** The option with which a daemon of ours is told where its traces go, to be spread into its table. */
import { defineOptions } from "./options/table.ts";

/** Undefined for what is no URL of ours: the variables are standard ones, and other programs of the host read them too. */
const whenHttp = (text: string): string | undefined => (urlFault(text) === undefined ? text : undefined);

function urlFault(text: string): string | undefined {
  return /^https?:\/\//i.test(text) && URL.canParse(text) ? undefined : "must be an http:// or https:// URL";
}

export const tracingOptions = defineOptions({
  otlpEndpoint: {
    flag: "otlp-endpoint",
    kind: "string",
    placeholder: "URL",
    secret: "url",
    check: urlFault,
    alsoEnv: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whenHttp, OTEL_EXPORTER_OTLP_ENDPOINT: whenHttp },
    group: "Traces",
    description:
      "Send traces to the OpenTelemetry collector there, as http://localhost:4318 (default: nowhere); see docs/tracing.md",
  },
});
