/** What herorunner doctor says of the collector that traces go to. */
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import { makeCertificates } from "../../../test/support/tls-certificates.ts";
import { type Answer, startCollector } from "../../../test/tracing/support/collector.ts";
import { checkTraces, tracesFinding } from "../src/doctor/traces-check.ts";
import type { Finding } from "../src/doctor/finding.ts";

type Env = Readonly<Record<string, string>>;

async function examine(endpoint: string, env: Env = {}): Promise<Finding> {
  const [finding, ...more] = await checkTraces({ endpoint, env });
  expect(more).toEqual([]);
  return finding!;
}

const says =
  (status: number): Answer =>
  (_request, response) =>
    void response.writeHead(status, { location: "http://127.0.0.1:1/" }).end("of-the-collector");

test("nothing is looked at where no traces are wanted", async () => {
  const collector = await startCollector();
  expect(await checkTraces({ endpoint: undefined, env: {} })).toEqual([]);
  for (const env of [{ OTEL_SDK_DISABLED: "true" }, { OTEL_TRACES_EXPORTER: "none" }])
    expect(await checkTraces({ endpoint: collector.url, env })).toEqual([]);
  expect(collector.requests).toEqual([]);
});

test("a collector that takes an empty batch is fine, and is asked once, as it is with spans", async () => {
  const collector = await startCollector();
  expect(await examine(collector.url)).toMatchObject({
    ...{ name: "traces", ok: true, sentence: `127.0.0.1:${collector.port} takes them` },
  });
  expect(collector.requests.map(({ method, url }) => [method, url])).toEqual([["POST", "/v1/traces"]]);
  expect(collector.requests[0]?.headers["content-type"]).toBe("application/json");
  expect(collector.text).toBe('{"resourceSpans":[]}');
});

test("the collector gets the headers and the login that it wants, and the terminal gets none of them", async () => {
  const seen: Record<string, unknown>[] = [];
  const collector = await startCollector((request, response) => {
    seen.push({ ...request.headers, path: request.url });
    response.writeHead(seen.length === 1 ? 200 : 403).end();
  });
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: "x-key=SECRET1, x-team = of%20mine ,broken,x-bad=%zz",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-key=SECRET2=",
  };
  const endpoint = `http://alice:SECRET3@127.0.0.1:${collector.port}/SECRET4?token=SECRET5`;
  const findings = [await examine(endpoint, env), await examine(endpoint, env)];
  expect(findings.map((one) => one.ok)).toEqual([true, false]);
  expect(seen[0]).toMatchObject({
    ...{ "x-key": "SECRET2=", "x-team": "of mine", path: "/SECRET4/v1/traces?token=SECRET5" },
    authorization: `Basic ${Buffer.from("alice:SECRET3").toString("base64")}`,
  });
  expect(seen[0]).not.toHaveProperty("x-bad");
  expect(JSON.stringify(findings)).not.toMatch(/SECRET|alice|token/);
});

test.each([
  [307, /points elsewhere/, /the address that it points to/],
  [400, /empty batch/, /its log/],
  [401, /refuses the login/, /OTEL_EXPORTER_OTLP_HEADERS/],
  [403, /refuses the login/, /OTEL_EXPORTER_OTLP_HEADERS/],
  [404, /takes no traces at this path/, /\/v1\/traces is added/],
  [415, /OTLP as JSON/, /JSON over HTTP/],
  [503, /at the moment/, /the log of the collector/],
])(
  "an answer with status %i is told with its next step, and without its words",
  async (status, sentence, fix) => {
    const collector = await startCollector(says(status));
    const finding = await examine(collector.url);
    expect(finding).toMatchObject({ name: "traces", ok: false, severity: "warn" });
    expect(finding.sentence).toMatch(sentence);
    expect(finding.sentence).toContain(`127.0.0.1:${collector.port}`);
    expect(finding.sentence).toContain(`(status ${status})`);
    expect(finding.fix).toMatch(fix);
    expect(JSON.stringify(finding)).not.toContain("of-the-collector");
    expect(collector.requests).toHaveLength(1);
  },
);

test("a port where nothing listens", async () => {
  const port = await freePort();
  expect(await examine(`http://127.0.0.1:${port}`)).toMatchObject({
    ...{ ok: false, severity: "warn", sentence: `nothing listens at 127.0.0.1:${port}` },
    fix: expect.stringMatching(/start the collector.*4318/),
  });
});

test("one that takes the question and never answers", async () => {
  const collector = await startCollector(() => undefined);
  expect(await examine(collector.url)).toMatchObject({
    ...{ ok: false, sentence: `127.0.0.1:${collector.port} did not answer within 2 s` },
    fix: expect.stringMatching(/firewall/),
  });
});

test("one whose answer has no end has answered", async () => {
  const collector = await startCollector((_request, response) => {
    response.writeHead(200).write(" ");
  });
  expect((await examine(collector.url)).ok).toBe(true);
});

test("the port for gRPC is told from that for HTTP", async () => {
  const server = createHttp2Server().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo; // a TCP server's address is no string
  expect(await examine(`http://127.0.0.1:${port}`)).toMatchObject({
    ok: false,
    sentence: expect.stringMatching(/does not answer in HTTP/),
    fix: expect.stringMatching(/4317 is that of gRPC/),
  });
});

test("certificates: unknown, known, not there; and one that speaks no TLS", async () => {
  const { folder, caFile, certFile, keyFile } = await makeCertificates();
  onTestFinished(() => rm(folder, { recursive: true }));
  const [cert, key] = [await readFile(certFile, "utf8"), await readFile(keyFile, "utf8")];
  const { url } = await startCollector(undefined, { tls: { cert, key } });
  expect(await examine(url)).toMatchObject({
    ok: false,
    sentence: expect.stringMatching(/certificate of 127\.0\.0\.1:\d+ is not accepted/),
    fix: expect.stringMatching(/OTEL_EXPORTER_OTLP_CERTIFICATE/),
  });
  expect((await examine(url, { OTEL_EXPORTER_OTLP_CERTIFICATE: caFile })).ok).toBe(true);
  expect(await examine(url, { OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere/ca.pem" })).toMatchObject({
    ok: false,
    sentence: expect.stringMatching(/^\/nowhere\/ca\.pem.* cannot be read \(ENOENT\)/),
  });
  const plain = await startCollector();
  expect(await examine(plain.url.replace("http:", "https:"))).toMatchObject({
    ok: false,
    sentence: expect.stringMatching(/cannot agree on TLS/),
    fix: expect.stringMatching(/use http:\/\//),
  });
});

test("a variable that holds no address of ours is named", async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "SECRET@collector:4317" };
  const [finding] = await checkTraces({ endpoint: undefined, env });
  expect(finding).toMatchObject({ ok: false, severity: "warn" });
  expect(finding?.sentence).toMatch(/^OTEL_EXPORTER_OTLP_ENDPOINT does not begin with http/);
  expect(JSON.stringify(finding)).not.toContain("SECRET");
});

test("a header that cannot be sent is not shown", async () => {
  const collector = await startCollector();
  const finding = await examine(collector.url, { OTEL_EXPORTER_OTLP_HEADERS: "x-key=SECRET%0A" });
  expect(finding.sentence).toBe("a header in OTEL_EXPORTER_OTLP_HEADERS cannot be sent");
  expect(JSON.stringify(finding)).not.toContain("SECRET");
});

test.each([
  "EAI_AGAIN",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ECONNRESET",
  "CERT_HAS_EXPIRED",
  "ENEW",
])("%s has a sentence and a next step", (code) => {
  const finding = tracesFinding({ kind: "failed", host: "collector.example:4318", code, file: undefined });
  expect(finding?.sentence).toContain("collector.example:4318");
  expect(finding?.sentence).toContain(code);
  expect(finding?.fix).toMatch(/\S/);
});
