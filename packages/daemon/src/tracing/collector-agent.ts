/** The connection to a collector, and the certificates that the standard variables name for it. */
import { readFileSync } from "node:fs";
import { Agent as PlainAgent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { TracingOptions } from "./tracing.ts";

/** One connection. Throws when a file that `env` names cannot be read. The caller destroys it. */
export function collectorAgent(url: string, env: TracingOptions["env"]): PlainAgent {
  const options = { keepAlive: true, maxSockets: 1 };
  if (!/^https:/i.test(url)) return new PlainAgent(options);
  const read = (name: string) => {
    const path = env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`];
    return path ? readFileSync(path) : undefined;
  };
  const [ca, cert, key] = [read("CERTIFICATE"), read("CLIENT_CERTIFICATE"), read("CLIENT_KEY")];
  return new TlsAgent({ ...options, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
}
