import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { noMetrics, openMetrics, startHealth, type HealthOptions, type HealthServer } from "../src/index.ts";

const servers: HealthServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function setup(options: Partial<HealthOptions> = {}) {
  const errors: object[] = [];
  const log = () => {};
  const logger = {
    debug: log,
    info: log,
    error: (fields: object) => void errors.push(fields),
    child: () => logger,
  };
  const good = () => ({ reasons: [] });
  const server = await startHealth({
    listen: { host: "127.0.0.1", port: 0 },
    logger,
    healthy: good,
    ready: good,
    ...options,
  });
  servers.push(server);
  const { port } = server.address;
  const get = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);
  return { server, port, get, errors };
}

/** Sends bytes as they are and answers all that comes back until the connection ends. */
function raw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    socket.on("data", (chunk) => (answer += chunk.toString()));
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

describe("checks", () => {
  test("a good verdict is 200 with its details", async () => {
    const { get } = await setup({ healthy: () => ({ reasons: [], details: { last_poll_ms: 12 } }) });
    const answer = await get("/healthz");
    expect([answer.status, await answer.json()]).toEqual([200, { ok: true, reasons: [], last_poll_ms: 12 }]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("reasons make it 503, and each check is its own", async () => {
    const { get } = await setup({ ready: () => ({ reasons: ["draining"] }) });
    const answer = await get("/readyz?verbose=1");
    expect([answer.status, await answer.json()]).toEqual([503, { ok: false, reasons: ["draining"] }]);
    expect((await get("/healthz")).status).toBe(200);
  });

  test("a check that fails is 503, with the cause in the log and not in the answer", async () => {
    const { get, errors } = await setup({ healthy: () => Promise.reject(new Error("S3CRET")) });
    const answer = await get("/healthz");
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain("S3CRET");
    expect(errors).toHaveLength(1);
  });
});

describe("metrics", () => {
  test("are told in the format Prometheus reads", async () => {
    const metrics = await openMetrics();
    const labels = { outcome: ["finished", "error"] } as const;
    const jobs = metrics.counter({ kind: "counter", name: "jobs_total", help: "Jobs.", labels });
    const busy = metrics.gauge({ kind: "gauge", name: "slots_busy", help: "Slots in use." });
    metrics.gauge({ kind: "gauge", name: "queue_depth", help: "Waiting." }, () => Promise.resolve(7));
    const buckets = [0.1, 1];
    const seconds = metrics.histogram({ kind: "histogram", name: "job_seconds", help: "Time.", buckets });
    jobs.inc({ outcome: "finished" });
    jobs.inc({ outcome: "finished" }, 2);
    busy.set({}, 3);
    seconds.observe({}, 0.5);
    const { get } = await setup({ metrics });
    await get("/metrics");
    const answer = await get("/metrics");
    const text = await answer.text();
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const line of [
      'jobs_total{outcome="finished"} 3',
      'jobs_total{outcome="error"} 0',
      "slots_busy 3",
      "queue_depth 7",
      'job_seconds_bucket{le="1"} 1',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m);
    const cpuSeconds = Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]);
    expect(Math.abs(cpuSeconds - (process.cpuUsage().user + process.cpuUsage().system) / 1e6)).toBeLessThan(
      1,
    );
  });

  test("what a scrape is not answered is not shown, and nothing of an earlier one", async () => {
    const metrics = await openMetrics();
    let found: readonly { labels: { runner: string }; value: number }[] | undefined;
    let depth: number | undefined = 3;
    const labels = { runner: "one" };
    metrics.gauge({ kind: "gauge", name: "alive", help: "Alive.", labels }, () => found);
    metrics.gauge({ kind: "gauge", name: "depth", help: "Depth." }, () => depth);
    const samples = async () => (await metrics.scrape()).text.match(/^(?:alive|depth).*$/gm) ?? [];
    found = [
      { labels: { runner: "a" }, value: 1 },
      { labels: { runner: "b" }, value: 0 },
    ];
    expect(await samples()).toEqual(['alive{runner="a"} 1', 'alive{runner="b"} 0', "depth 3"]);
    found = [{ labels: { runner: "b" }, value: 1 }];
    depth = undefined;
    expect(await samples()).toEqual(['alive{runner="b"} 1']);
    found = undefined;
    depth = 0;
    expect(await samples()).toEqual(["depth 0"]);
  });

  test("are not found when there are none", async () => {
    expect((await (await setup()).get("/metrics")).status).toBe(404);
  });

  test("can be counted when nobody reads them", async () => {
    const entry = { name: "a", help: "" };
    noMetrics.counter({ ...entry, kind: "counter" }).inc({});
    noMetrics.gauge({ ...entry, kind: "gauge" }).set({}, 1);
    noMetrics.histogram({ ...entry, kind: "histogram", buckets: [] }).observe({}, 1);
    expect((await noMetrics.scrape()).text).toBe("");
  });
});

describe("clients that are not our friends", () => {
  test("only GET and HEAD are answered, HEAD without a body", async () => {
    const { get } = await setup();
    const refused = await get("/healthz", { method: "POST", body: "x" });
    expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const head = await get("/healthz", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await get("/")).status).toBe(404);
    expect((await get("//healthz")).status).toBe(404);
  });

  test.each(["evil.example", "127.0.0.1.evil.example", "169.254.169.254", "", "localhost@evil.example"])(
    "on a loopback address the host name %j is refused",
    async (host) => {
      const { port } = await setup();
      expect(await raw(port, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toMatch(
        /^HTTP\/1.1 4\d\d/,
      );
    },
  );

  test.each(["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:9100", "127.1.2.3"])(
    "on a loopback address the host name %j is served",
    async (host) => {
      const { port } = await setup();
      expect(await raw(port, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toMatch(
        /^HTTP\/1.1 200/,
      );
    },
  );

  test("two Host lines, no Host line and a full URL are refused", async () => {
    const { port } = await setup();
    const end = "Connection: close\r\n\r\n";
    const answers = await Promise.all([
      raw(port, `GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n${end}`),
      raw(port, `GET /healthz HTTP/1.0\r\n${end}`),
      raw(port, `GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n${end}`),
      raw(port, "NONSENSE\r\n\r\n"),
    ]);
    expect(answers.map((answer) => answer.split("\r\n", 1)[0])).toEqual([
      expect.stringMatching(/421/),
      expect.stringMatching(/421/),
      expect.stringMatching(/421/),
      "",
    ]);
  });

  test("bound to all addresses, any host name is served: probes come by address", async () => {
    const { port } = await setup({ listen: { host: "0.0.0.0", port: 0 } });
    const answer = await raw(
      port,
      "GET /readyz HTTP/1.1\r\nHost: runner-7.internal\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1.1 200/);
  });

  test("a body is not read: the connection is closed after the answer", async () => {
    const { port } = await setup();
    const answer = await raw(
      port,
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx",
    );
    expect(answer).toMatch(/^HTTP\/1.1 200[^]*Connection: close/i);
  });

  test("close ends connections that stand idle", async () => {
    const { server, port } = await setup();
    const idle = raw(port, "GET /healthz HTTP/1.1\r\n");
    await fetch(`http://127.0.0.1:${port}/healthz`);
    await server.close();
    expect(await idle).toBe("");
  });

  test("an address that is taken is an error at the start", async () => {
    const { port } = await setup();
    await expect(setup({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });
});
