/** One empty batch, sent as spans are: by the same address, headers and certificates, and without a second try. */
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { collectorAgent } from "./collector-agent.ts";
import type { TracingOptions } from "./tracing.ts";

type Env = TracingOptions["env"];

/** The status that the collector answers with. Rejects when it does not within `deadlineMs`, or when it cannot be asked. */
export async function askCollector(url: string, env: Env, deadlineMs: number): Promise<number> {
  const agent = collectorAgent(url, env);
  const request = /^https:/i.test(url) ? tlsRequest : plainRequest;
  const signal = AbortSignal.timeout(deadlineMs);
  const headers = { ...headersOf(env), "content-type": "application/json" };
  try {
    return await new Promise<number>((resolve, reject) => {
      const asked = request(url, { method: "POST", agent, signal, headers }, (answer) => {
        answer.on("error", reject).resume(); // it is cut off below
        resolve(answer.statusCode ?? 0);
      });
      asked.on("error", reject).end('{"resourceSpans":[]}');
    });
  } finally {
    agent.destroy();
  }
}

/** `name=value,…`, percent-encoded where need be; those for traces come last and count. */
function headersOf(env: Env): Record<string, string> {
  const texts = [env["OTEL_EXPORTER_OTLP_HEADERS"], env["OTEL_EXPORTER_OTLP_TRACES_HEADERS"]];
  const entries = texts.flatMap((text) => (text ?? "").split(",")).flatMap(headerOf);
  return Object.fromEntries(entries);
}

function headerOf(text: string): readonly (readonly [string, string])[] {
  const [, name = "", value = ""] = /^([^=;]+)=([^;]+)/.exec(text) ?? [];
  try {
    const decoded = [decodeURIComponent(name.trim()), decodeURIComponent(value.trim())] as const;
    return decoded.includes("") ? [] : [decoded];
  } catch {
    return []; // a percent sign that begins no code: such a header is not sent with spans either
  }
}
