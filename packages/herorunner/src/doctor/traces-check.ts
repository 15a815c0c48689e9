/** Whether the collector of `--otlp-endpoint` would take traces. A runner runs jobs without one, so nothing here refuses a start. */
import { type CollectorTrial, tryCollector } from "@herorunner/daemon";
import { type Finding, fine } from "./finding.ts";

const deadlineMs = 2_000;

export interface TracesCheckOptions {
  /** As given with --otlp-endpoint, or by a standard variable. */
  readonly endpoint: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Nothing where no traces are wanted. Of the endpoint only host and port are shown: the rest may carry a key. */
export async function checkTraces(options: TracesCheckOptions): Promise<readonly Finding[]> {
  const finding = tracesFinding(await tryCollector(options, deadlineMs));
  return finding === undefined ? [] : [finding];
}

interface Fault {
  readonly sentence: string;
  readonly fix: string;
}

export function tracesFinding(trial: CollectorTrial): Finding | undefined {
  switch (trial.kind) {
    case "off":
      return undefined;
    case "unusable":
      return warning({
        sentence: `${trial.variable} does not begin with http:// or https://, so no traces are sent`,
        fix: "mend it, or name the collector with --otlp-endpoint, as http://localhost:4318",
      });
    case "answered":
      if (trial.status >= 200 && trial.status < 300) return fine("traces", `${trial.host} takes them`);
      return warning(faultOfStatus(trial.host, trial.status));
    case "failed":
      return warning(faultOfError(trial));
  }
}

function warning(fault: Fault): Finding {
  return { name: "traces", ok: false, severity: "warn", ...fault };
}

function faultOfStatus(host: string, status: number): Fault {
  const said = `(status ${status})`;
  switch (status) {
    case 401:
    case 403:
      return {
        sentence: `${host} refuses the login ${said}`,
        fix: "put its key into OTEL_EXPORTER_OTLP_HEADERS, as name=value",
      };
    case 404:
    case 405:
      return {
        sentence: `${host} takes no traces at this path ${said}`,
        fix:
          "name the collector as http://host:4318 with no path, /v1/traces is added; " +
          "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is and needs it",
      };
    case 415:
      return {
        sentence: `${host} does not take OTLP as JSON ${said}`,
        fix: "let the collector take JSON over HTTP, or put one before it that does",
      };
    case 429:
    case 502:
    case 503:
    case 504:
      return {
        sentence: `${host} takes no traces at the moment ${said}`,
        fix: "look at the log of the collector: it is overloaded, or not ready yet",
      };
    default:
      if (status >= 300 && status < 400)
        return {
          sentence: `${host} points elsewhere ${said}, and redirects are not followed`,
          fix: "name the address that it points to with --otlp-endpoint",
        };
      return {
        sentence: `${host} does not take an empty batch of traces ${said}`,
        fix: "see that it is a collector for OTLP over HTTP, and look at its log",
      };
  }
}

const rightPort =
  "name its port for OTLP over HTTP (usually 4318; 4317 is that of gRPC) with --otlp-endpoint";

/** By the code of the error; the first that fits. */
const faultsOfCodes: readonly (readonly [RegExp, (host: string, code: string) => Fault])[] = [
  [
    /^ECONNREFUSED$/,
    (host) => ({ sentence: `nothing listens at ${host}`, fix: `start the collector, or ${rightPort}` }),
  ],
  [
    /^(ABORT_ERR|ETIMEDOUT)$/,
    (host) => ({
      sentence: `${host} did not answer within ${deadlineMs / 1000} s`,
      fix: "see that no firewall stands between, and that the collector is not stuck",
    }),
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    (host, code) => ({
      sentence: `the name in ${host} has no address here (${code})`,
      fix: "mend the name in --otlp-endpoint, or the name service of this host",
    }),
  ],
  [
    /^E(HOST|NET)UNREACH$/,
    (host, code) => ({
      sentence: `${host} cannot be reached from this host (${code})`,
      fix: "mend the network between, or name another address with --otlp-endpoint",
    }),
  ],
  [
    /^(HPE_\w+|ECONNRESET|EPIPE)$/,
    (host, code) => ({
      sentence: `what listens at ${host} does not answer in HTTP (${code})`,
      fix: rightPort,
    }),
  ],
  [
    /^(EPROTO|ERR_SSL_\w+)$/,
    (host, code) => ({
      sentence: `${host} and this host cannot agree on TLS (${code})`,
      fix:
        "use http:// where the collector speaks no TLS; where it wants to know its clients, name " +
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY",
    }),
  ],
  [
    /CERT|SIGNATURE/,
    (host, code) => ({
      sentence: `the certificate of ${host} is not accepted (${code})`,
      fix: "name the PEM file of its authority in OTEL_EXPORTER_OTLP_CERTIFICATE, and see that it is for this name and still valid",
    }),
  ],
  [
    /^ERR_INVALID_(CHAR|HTTP_TOKEN)$/,
    () => ({
      sentence: "a header in OTEL_EXPORTER_OTLP_HEADERS cannot be sent",
      fix: "write it as name=value, with everything unusual percent-encoded",
    }),
  ],
];

function faultOfError({ host, code, file }: Extract<CollectorTrial, { kind: "failed" }>): Fault {
  if (file !== undefined)
    return {
      sentence: `${file}, which is to be used for ${host}, cannot be read (${code})`,
      fix: "let OTEL_EXPORTER_OTLP_CERTIFICATE, …_CLIENT_CERTIFICATE and …_CLIENT_KEY name PEM files that this user may read",
    };
  const known = faultsOfCodes.find(([pattern]) => pattern.test(code))?.[1];
  return (
    known?.(host, code) ?? {
      sentence: `${host} cannot be asked (${code})`,
      fix: "try it with curl, and see docs/tracing.md",
    }
  );
}
