/** Clients that mean no good, or know no better: each gets its refusal, and everybody else goes on being served. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostname } from "node:os";
import { until } from "../../../test/support/until.ts";
import { adminSecret, type Harness, type Served, startHarness } from "./support/harness.ts";
import { openRaw, statusOf } from "./support/raw.ts";

let harness: Harness;
let served: Served;

beforeAll(async () => {
  harness = await startHarness();
  served = await harness.serve({
    allowedHosts: ["supervisor.example", "proxied.example:443"],
    allowedOrigins: ["https://pages.example"],
  });
});
afterAll(() => harness.stop());

const list = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "runner.list" });
const key = `Authorization: Bearer ${adminSecret}`;
const json = "Content-Type: application/json";

describe("names and targets (DNS rebinding)", () => {
  const ask = (...lines: string[]): Promise<number> => statusOf(served.port, lines);

  it("serves its own address and names, with the right port", async () => {
    const good = [`127.0.0.1:${served.port}`, `localhost:${served.port}`, `LOCALHOST:${served.port}`];
    good.push(`[::1]:${served.port}`, `${hostname()}:${served.port}`);
    good.push("supervisor.example", `supervisor.example:${served.port}`, "proxied.example:443");
    for (const host of good)
      expect([host, await ask("GET /healthz HTTP/1.1", `Host: ${host}`)]).toEqual([host, 200]);
  });

  it("serves no other name, and no other port of its own", async () => {
    const bad = ["evil.example", `evil.example:${served.port}`, "localhost:1", "localhost", "127.0.0.1"];
    bad.push(
      `127.0.0.1.evil.example:${served.port}`,
      "proxied.example",
      "0.0.0.0",
      `user@localhost:${served.port}`,
    );
    for (const host of bad)
      expect([host, await ask("GET /healthz HTTP/1.1", `Host: ${host}`)]).toEqual([host, 421]);
  });

  it("wants exactly one Host line, in HTTP/1.0 too", async () => {
    const own = `Host: localhost:${served.port}`;
    expect(await ask("GET /healthz HTTP/1.1", own, own)).toBe(400);
    expect(await ask("GET /healthz HTTP/1.1", own, "Host: evil.example")).toBe(400);
    expect(await ask("GET /healthz HTTP/1.1")).toBe(400);
    expect(await ask("GET /healthz HTTP/1.0")).toBe(400);
    expect(await ask("GET /healthz HTTP/1.0", own)).toBe(200);
  });

  it("wants a path for a target", async () => {
    const own = `Host: localhost:${served.port}`;
    expect(await ask(`GET http://localhost:${served.port}/healthz HTTP/1.1`, own)).toBe(400);
    expect(await ask("GET http://evil.example/healthz HTTP/1.1", own)).toBe(400);
    expect(await ask("GET //evil.example/ HTTP/1.1", own)).toBe(400);
    expect(await ask("OPTIONS * HTTP/1.1", own)).toBe(400);
    expect(await ask("CONNECT evil.example:80 HTTP/1.1", own)).toBe(0);
    for (const path of [
      "/../package.json",
      "/..%2fpackage.json",
      "/%2e%2e/package.json",
      "/index.html/",
      "/.env",
    ]) {
      expect([path, await ask(`GET ${path} HTTP/1.1`, own)]).toEqual([path, 404]);
    }
  });

  it("checks the name of upgrades as well, and upgrades nothing", async () => {
    const upgrade = [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: eA==",
    ];
    expect(await ask("GET /events HTTP/1.1", "Host: evil.example", ...upgrade)).toBe(421);
    expect(await ask("GET /healthz HTTP/1.1", `Host: localhost:${served.port}`, ...upgrade)).toBe(200);
  });
});

describe("other sites (CSRF, CORS)", () => {
  const post = (headers: Record<string, string>, body = list) => served.post(body, headers);

  it("a form or plain text is 415, and so is a compressed body", async () => {
    for (const type of [
      "application/x-www-form-urlencoded",
      "text/plain",
      "multipart/form-data",
      "application/json2",
    ]) {
      expect((await post({ "Content-Type": type })).status).toBe(415);
    }
    expect((await post({ "Content-Type": "application/json; charset=utf-16" })).status).toBe(415);
    expect((await post({ "Content-Type": "application/json; charset=UTF-8" })).status).toBe(200);
    for (const encoding of ["gzip", "br", "deflate", "gzip, identity"]) {
      const { status, body } = await post({ "Content-Encoding": encoding });
      expect([status, body.error?.data["reason"]]).toEqual([415, "wrong_kind"]);
    }
  });

  it("a foreign or null Origin is refused, with the right key too", async () => {
    for (const origin of [
      "http://evil.example",
      "null",
      `https://127.0.0.1:${served.port}`,
      "http://localhost:1",
    ]) {
      expect((await post({ Origin: origin })).status).toBe(403);
    }
    expect((await post({ Origin: served.url })).status).toBe(200);
    expect((await post({ "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
    expect((await post({ "Sec-Fetch-Site": "same-site" })).status).toBe(403);
    expect((await post({ "Sec-Fetch-Site": "same-origin" })).status).toBe(200);
    const lines = [key, json, "Content-Length: 0", "Origin: http://a", "Origin: http://b"];
    expect(
      await statusOf(served.port, ["POST /rpc HTTP/1.1", `Host: localhost:${served.port}`, ...lines]),
    ).toBe(400);
  });

  it("a preflight gets nothing unless its origin is configured, and never credentials or a star", async () => {
    const preflight = (origin: string) =>
      fetch(`${served.url}/rpc`, {
        method: "OPTIONS",
        headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
      });
    const foreign = await preflight("http://evil.example");
    expect([foreign.status, foreign.headers.get("access-control-allow-origin")]).toEqual([403, null]);
    const known = await preflight("https://pages.example");
    expect(known.status).toBe(204);
    expect(known.headers.get("access-control-allow-origin")).toBe("https://pages.example");
    expect(known.headers.get("access-control-allow-credentials")).toBeNull();
    const { status, headers } = await post({ Origin: "https://pages.example" });
    expect([status, headers.get("access-control-allow-origin")]).toEqual([200, "https://pages.example"]);
  });

  it("a key counts in Authorization only, once", async () => {
    const query = await fetch(`${served.url}/jobs/x/log?key=${adminSecret}&access_token=${adminSecret}`);
    expect(query.status).toBe(401);
    const host = `Host: localhost:${served.port}`;
    expect(await statusOf(served.port, ["GET /session HTTP/1.1", host, key])).toBe(200);
    expect(await statusOf(served.port, ["GET /session HTTP/1.1", host, key, key])).toBe(400);
  });
});

describe("what a browser is told", () => {
  it("a page that runs nothing but its own scripts, and answers that are no pages", async () => {
    const page = await served.get("/");
    expect(page.status).toBe(200);
    const policy = page.headers.get("content-security-policy") ?? "";
    for (const rule of [
      ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"],
      ...["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"],
    ]) {
      expect(policy).toContain(rule);
    }
    for (const path of ["/", "/healthz", "/openrpc.json", "/nothing", "/metrics"]) {
      const { headers } = await served.get(path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
    }
    expect((await served.get("/openrpc.json")).headers.get("content-security-policy")).toContain("sandbox");
  });

  it("output of a job is a text file to save, whatever it says", async () => {
    const runner = harness.runner();
    await served.call("runner.register", { id: runner.id });
    const { id } = await served.call("job.run", { runner: runner.id, payload: "x" });
    await runner.finish("<script>alert(1)</script>");
    const response = await served.get(`/jobs/${id}/output`);
    expect(await response.text()).toBe("<script>alert(1)</script>");
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("content-disposition")).toBe(`attachment; filename="${id}.out.txt"`);
    expect(response.headers.get("content-security-policy")).toContain("sandbox");
    expect((await served.get("/jobs/none/output")).status).toBe(404);
    expect((await served.get(`/jobs/${id}/output?stream=x`)).status).toBe(400);
  });
});

describe("bodies", () => {
  it("that announce too much are 413 before anything is read", async () => {
    const lines = [
      "POST /rpc HTTP/1.1",
      `Host: localhost:${served.port}`,
      key,
      json,
      "Content-Length: 1000000000",
    ];
    expect(await statusOf(served.port, lines)).toBe(413);
  });

  it("of a gigabyte that announce nothing are cut off, and the memory stays flat", async () => {
    const before = process.memoryUsage.rss();
    const raw = openRaw(served.port);
    raw.socket.write(
      [
        "POST /rpc HTTP/1.1",
        `Host: localhost:${served.port}`,
        key,
        json,
        "Transfer-Encoding: chunked",
        "",
        "",
      ].join("\r\n"),
    );
    const megabyte = Buffer.alloc(1024 * 1024, "[");
    const frame = Buffer.concat([
      Buffer.from(`${megabyte.length.toString(16)}\r\n`),
      megabyte,
      Buffer.from("\r\n"),
    ]);
    let sent = 0;
    const feed = (): void => {
      while (sent < 1024 && !raw.closed() && raw.socket.writable) {
        sent += 1;
        if (!raw.socket.write(frame)) return void raw.socket.once("drain", feed);
      }
    };
    feed();
    await until(() => raw.closed(), "the connection is closed");
    expect(raw.received()).toMatch(/^HTTP\/1\.1 413|^$/);
    expect(sent).toBeLessThan(200);
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 1024 * 1024);
  });

  it("of just the limit are read, and of one byte more refused", async () => {
    const small = await harness.serve({ limits: { maxBodyBytes: 1000 } });
    expect((await small.post(list.padEnd(1000))).status).toBe(200);
    const { status, body } = await small.post(list.padEnd(1001));
    expect([status, body.error?.data["reason"]]).toEqual([413, "body_too_large"]);
  });

  it("that are not UTF-8 or begin with a byte order mark are parse errors", async () => {
    for (const bytes of [Buffer.from([0x22, 0xff, 0x22]), Buffer.from(`\u{feff}${list}`)]) {
      expect((await served.post(bytes)).body.error?.code).toBe(-32700);
    }
  });

  it("that break off leave nothing behind", async () => {
    const raw = openRaw(served.port);
    raw.socket.write(
      [
        "POST /rpc HTTP/1.1",
        `Host: localhost:${served.port}`,
        key,
        json,
        "Content-Length: 100",
        "",
        "{",
      ].join("\r\n"),
    );
    await until(() => raw.socket.bytesWritten > 0, "the request is sent");
    raw.socket.destroy();
    await until(() => raw.closed(), "the connection is closed");
    expect((await served.post(list)).status).toBe(200);
  });

  it("are not taken for a second request when they were refused unread", async () => {
    const smuggled = "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    const raw = openRaw(served.port);
    const lines = [
      "POST /rpc HTTP/1.1",
      `Host: localhost:${served.port}`,
      json,
      "Content-Length: 5000000",
      "",
      smuggled,
    ];
    raw.socket.write(lines.join("\r\n"));
    await until(() => raw.closed(), "the connection is closed");
    expect(raw.received().match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(raw.received()).toMatch(/^HTTP\/1\.1 401/);
  });
});

describe("slow clients", () => {
  it("a thousand sockets that say nothing keep nobody out", async () => {
    const idle = Array.from({ length: 1000 }, () => openRaw(served.port));
    const turnedAway = () => idle.filter((raw) => raw.closed()).length;
    await until(() => turnedAway() >= 1000 - 512, "all of them were there, and some had to go");
    expect((await served.post(list)).status).toBe(200);
    await until(() => served.supervisor.connections <= 512, "there are no more than allowed");
    for (const { socket } of idle) socket.destroy();
    await until(() => served.supervisor.connections < 20, "they are gone");
  });

  it("headers and bodies that never end are cut off", async () => {
    const quick = await harness.serve({ limits: { headersTimeoutMs: 300, requestTimeoutMs: 600 } });
    const headers = openRaw(quick.port);
    headers.socket.write("POST /rpc HTTP/1.1\r\nHost: x\r\nX-A: ");
    const body = openRaw(quick.port);
    body.socket.write(
      ["POST /rpc HTTP/1.1", `Host: localhost:${quick.port}`, key, json, "Content-Length: 100", "", "{"].join(
        "\r\n",
      ),
    );
    await until(() => headers.closed() && body.closed(), "both are cut off", 5_000);
    expect((await quick.post(list)).status).toBe(200);
  });

  it("headers of more than 16 KiB and requests that are none get no further", async () => {
    const host = `Host: localhost:${served.port}`;
    expect(await statusOf(served.port, ["GET / HTTP/1.1", host, `X: ${"a".repeat(20_000)}`])).toBe(400);
    expect(await statusOf(served.port, ["\x16\x03\x01 hello"])).toBe(400);
    expect(
      await statusOf(served.port, [
        "GET / HTTP/1.1",
        host,
        "Content-Length: 1",
        "Transfer-Encoding: chunked",
      ]),
    ).toBe(400);
  });
});

describe("names that want to be commands", () => {
  it("reach neither Redis nor the log as such", async () => {
    const names = ["a\r\nFLUSHALL", "*", "{x}", "../x", "a b", "\u0000", "a:b", "x".repeat(129), "\u202e"];
    const before = await harness.redis.send(["DBSIZE"]);
    for (const name of names) {
      expect((await served.fail("job.get", { id: name })).code).toBe(-32602);
      expect((await served.fail("job.create", { runner: name, payload: "x" })).code).toBe(-32602);
      expect((await served.fail("runner.register", { id: name })).code).toBe(-32602);
      expect((await served.get(`/jobs/${encodeURIComponent(name)}/log`)).status).toBe(404);
    }
    await served.post(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "x\n2026 ERROR forged" }));
    expect(await harness.redis.send(["DBSIZE"])).toBe(before);
    expect(served.log()).not.toMatch(/^2026 ERROR forged/m);
  });

  it("neither do secrets", async () => {
    const runner = harness.runner();
    await served.call("runner.register", { id: runner.id });
    await served.call("job.run", { runner: runner.id, payload: "the payload", env_vars: { T: "hunter2" } });
    for (const secret of [adminSecret, "the payload", "hunter2"]) expect(served.log()).not.toContain(secret);
  });
});

describe("routes", () => {
  it("answer what they are not for with 404 and 405, and HEAD like GET without a body", async () => {
    expect((await served.get("/nothing")).status).toBe(404);
    const wrong = await fetch(`${served.url}/events`, { method: "POST" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET"]);
    expect((await served.get("/rpc")).status).toBe(405);
    expect((await fetch(`${served.url}/`, { method: "PUT" })).status).toBe(405);
    const head = await fetch(`${served.url}/healthz`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("answer HEAD of a stream with its headers, and open none", async () => {
    const runner = harness.runner();
    await served.call("runner.register", { id: runner.id });
    const { id } = await served.call("job.run", { runner: runner.id, payload: "x" });
    for (const path of ["/events", `/jobs/${id}/log`]) {
      const headers = { Authorization: `Bearer ${adminSecret}` };
      const response = await fetch(`${served.url}${path}`, { method: "HEAD", headers });
      expect([path, response.status, response.headers.get("content-type")]).toEqual([
        ...[path, 200, "text/event-stream; charset=utf-8"],
      ]);
      expect(served.supervisor.streams).toBe(0);
    }
  });

  it("take calls at / as well as at /rpc", async () => {
    const response = await fetch(`${served.url}/`, {
      method: "POST",
      body: list,
      headers: { Authorization: `Bearer ${adminSecret}`, "Content-Type": "application/json" },
    });
    expect(await response.json()).toMatchObject({ id: 1, result: {} });
  });

  it("tell the state of things without a key", async () => {
    for (const path of ["/healthz", "/readyz", "/metrics", "/openrpc.json"]) {
      const response = await fetch(`${served.url}${path}`);
      expect([path, response.status]).toEqual([path, 200]);
    }
    expect(await (await fetch(`${served.url}/healthz`)).json()).toMatchObject({ ok: true });
  });
});
