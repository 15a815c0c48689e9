/**
 * Bodies and sockets full of nonsense never end the supervisor and never get anything but an answer of the protocol. Short
 * here; HEROSUPERVISOR_FUZZ=100000 makes it long. The seed is printed when something is found, and can be given again.
 */
import { connect } from "node:net";
import { once } from "node:events";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dispatch } from "../src/rpc/dispatch.ts";
import type { Call } from "../src/rpc/method.ts";
import { table } from "../src/rpc/methods.ts";
import { adminSecret, type Harness, type Served, startHarness } from "./support/harness.ts";

const rounds = Number(process.env["HEROSUPERVISOR_FUZZ"] ?? 600);
const timeoutMs = 180_000 + rounds * 20;

let harness: Harness;
let served: Served;

beforeAll(async () => {
  harness = await startHarness();
  served = await harness.serve();
  await served.call("runner.register", { id: "r" });
});
afterAll(() => harness.stop());

const codes = new Set([-32700, -32600, -32601, -32602, -32603, -32003, -32004, -32009, -32011]);

/** Words that lead somewhere, beside what fast-check thinks of. */
const words = fc.constantFrom(
  ...[
    "jsonrpc",
    "2.0",
    "method",
    "params",
    "id",
    "runner",
    "payload",
    "wait",
    "cursor",
    "scopes",
    "admin",
    "r",
    "a",
  ],
  ...["__proto__", "constructor", "\u0000", "\ud83d\ude00", "hk_", "*", "{r}", "\r\n"],
);
const name = fc.oneof(
  fc.constantFrom(...Object.keys(table()).filter((one) => one !== "runner.ping")),
  words,
  fc.string(),
);
const leaf = fc.oneof(words, fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constant(null));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(words, fc.string()), tie("any"), { maxKeys: 5 }),
  ),
})).any;
const params = fc.oneof(
  value,
  fc.record(
    {
      ...{
        id: fc.oneof(words, fc.string()),
        runner: fc.oneof(fc.constant("r"), words),
        payload: fc.string(),
      },
      ...{
        env_vars: value,
        timeout: leaf,
        signatures: value,
        limit: leaf,
        cursor: leaf,
        labels: value,
        scopes: value,
      },
    },
    { requiredKeys: [] },
  ),
);
const request = fc.record(
  { jsonrpc: fc.oneof(fc.constant("2.0"), leaf), method: name, params, id: leaf },
  { requiredKeys: [] },
);
const text = fc.oneof(
  { arbitrary: request.map((one) => JSON.stringify(one)), weight: 5 },
  { arbitrary: fc.array(request, { maxLength: 6 }).map((batch) => JSON.stringify(batch)), weight: 2 },
  { arbitrary: fc.json(), weight: 1 },
  { arbitrary: fc.string(), weight: 1 },
);
/** Text with a piece cut out or a piece of something else put in. */
const body = fc
  .tuple(
    text,
    fc.nat(),
    fc.nat(20),
    fc.oneof(fc.constant(""), fc.string(), fc.constantFrom('"', "}", "]", "\\", "\\u", "1e999")),
  )
  .map(([whole, at, cut, put]) => {
    const place = whole.length === 0 ? 0 : at % whole.length;
    return at % 3 === 0 ? whole.slice(0, place) + put + whole.slice(place + cut) : whole;
  });

function mustBeAnswer(answer: unknown): void {
  for (const one of Array.isArray(answer) ? (answer as unknown[]) : [answer]) {
    const { jsonrpc, error, result, id } = one as Record<string, unknown> & {
      error?: { code: number; data: unknown };
    };
    expect(jsonrpc).toBe("2.0");
    expect(id).not.toBeUndefined();
    expect((error === undefined) !== (result === undefined)).toBe(true);
    if (error !== undefined) expect(codes).toContain(error.code);
  }
}

describe("nonsense", () => {
  it(
    "in bodies gets an answer of the protocol, and never ends the supervisor",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(body, fc.uint8Array({ maxLength: 300 })), async (sent) => {
          const response = await fetch(`${served.url}/rpc`, {
            method: "POST",
            body: sent,
            headers: { Authorization: `Bearer ${adminSecret}`, "Content-Type": "application/json" },
          });
          const received = await response.text();
          expect([200, 204, 403]).toContain(response.status);
          if (received !== "") mustBeAnswer(JSON.parse(received));
          expect(received).not.toMatch(/\.ts:|\.sock|redis:\/\/|at file:/);
        }),
        { numRuns: rounds },
      );
      expect((await served.get("/readyz")).status).toBe(200);
      expect(served.log()).not.toContain("this is a bug");
    },
    timeoutMs,
  );

  it(
    "in bodies never makes the dispatcher throw, or run over its depth",
    async () => {
      const bugs: unknown[] = [];
      const methods = new Map(
        Object.entries(table()).map(([method, { params, scope }]) => [
          method,
          { params, scope, handle: () => Promise.resolve({}) },
        ]),
      );
      const call = { principal: { name: "admin", scopes: ["admin"] } } as unknown as Call;
      await fc.assert(
        fc.asyncProperty(body, async (sent) => {
          const { text } = await dispatch(sent, call, { methods, onBug: (error) => bugs.push(error) });
          if (text !== undefined) mustBeAnswer(JSON.parse(text));
        }),
        { numRuns: rounds * 5 },
      );
      expect(bugs).toEqual([]);
    },
    timeoutMs,
  );

  it(
    "on sockets is cut off or answered",
    async () => {
      const line = fc.oneof(
        fc.constantFrom(
          "POST /rpc HTTP/1.1",
          "GET / HTTP/1.1",
          "GET /jobs/a/log HTTP/1.1",
          "Transfer-Encoding: chunked",
        ),
        fc.constantFrom(
          `Host: localhost:${served.port}`,
          `Authorization: Bearer ${adminSecret}`,
          "Content-Length: 5",
        ),
        fc.constantFrom(
          "Content-Type: application/json",
          "Expect: 100-continue",
          "Connection: upgrade",
          "",
          "5",
          "{}",
        ),
        fc.string(),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
          const socket = connect(served.port, "127.0.0.1");
          socket.on("error", () => undefined).resume();
          const closed = once(socket, "close");
          socket.end(`${lines.join("\r\n")}\r\n\r\n`);
          await closed;
        }),
        { numRuns: Math.ceil(rounds / 4) },
      );
      expect((await served.get("/readyz")).status).toBe(200);
      expect(served.log()).not.toContain("this is a bug");
    },
    timeoutMs,
  );
});
