/** The dispatcher: the specification's own examples, its limits, and what a caller learns of a bug. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type Exchange,
  furtherExchanges,
  specificationExamples,
} from "../../../test/conformance/json-rpc.ts";
import type { Principal, Scope } from "../src/auth/principal.ts";
import { dispatch, type DispatchOptions, plain } from "../src/rpc/dispatch.ts";
import { RpcError, rpcCodes } from "../src/rpc/errors.ts";
import { parseStrictJson } from "@herorunner/job";

interface TestCall {
  readonly principal: Principal;
}

const admin: TestCall = { principal: { name: "admin", scopes: ["admin"] } };
const five = { a: z.number(), b: z.number().optional(), c: z.number().optional() };
const many = z.strictObject({ ...five, d: z.number().optional(), e: z.number().optional() });

function method<P extends z.ZodObject>(
  params: P,
  handle: (params: z.output<P>) => unknown,
  scope: Scope = "jobs:read",
) {
  return [{ scope, params, handle: (given: z.output<P>) => Promise.resolve(handle(given)) }] as const;
}

function setup() {
  const bugs: unknown[] = [];
  const calls: [string | undefined, number][] = [];
  const heard: string[] = [];
  const hear = (name: string) => method(many, () => void heard.push(name))[0];
  const methods = new Map<
    string,
    DispatchOptions<TestCall>["methods"] extends ReadonlyMap<string, infer M> ? M : never
  >([
    [
      "subtract",
      ...method(
        z.strictObject({ minuend: z.number(), subtrahend: z.number() }),
        (p) => p.minuend - p.subtrahend,
      ),
    ],
    [
      "sum",
      ...method(z.strictObject({ a: z.number(), b: z.number(), c: z.number() }), (p) => p.a + p.b + p.c),
    ],
    ["update", hear("update")],
    ["notify_hello", hear("notify_hello")],
    ["notify_sum", hear("notify_sum")],
    ["get_data", ...method(z.strictObject({}), () => ["hello", 5])],
    ["nothing", ...method(z.strictObject({}), () => undefined)],
    ["long", ...method(z.strictObject({}), () => "x".repeat(9 * 1024 * 1024))],
    ["for_admins", ...method(z.strictObject({}), () => "done", "admin")],
    [
      "refuse",
      ...method(z.strictObject({}), () => {
        throw new RpcError("conflict", "it is taken", { hint: "use another" });
      }),
    ],
    [
      "broken",
      ...method(z.strictObject({}), () => {
        throw new TypeError("the secret is at redis://user:hunter2@host");
      }),
    ],
  ]);
  const options: DispatchOptions<TestCall> = {
    methods,
    onBug: (error) => void bugs.push(error),
    onCall: (name, code) => void calls.push([name, code]),
  };
  const send = async (text: string, call: TestCall = admin) => {
    const { text: answer, httpStatus } = await dispatch(text, call, options);
    return {
      answer: answer === undefined ? undefined : (JSON.parse(answer) as unknown),
      text: answer,
      httpStatus,
    };
  };
  return { send, bugs, calls, heard };
}

/** Only codes of errors are compared; that there is a message and a reason is not left to chance either. */
function comparable(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(comparable);
  const { error, ...rest } = answer as {
    error?: { code: number; message: unknown; data: { reason: unknown } };
  };
  if (error === undefined) return answer;
  expect(typeof error.message).toBe("string");
  expect(typeof error.data.reason).toBe("string");
  return { ...rest, error: { code: error.code } };
}

async function holds({ sent, received }: Exchange): Promise<void> {
  const { answer, httpStatus } = await setup().send(sent);
  if (received === undefined) expect([answer, httpStatus]).toEqual([undefined, 204]);
  else expect([comparable(answer), httpStatus]).toEqual([received, 200]);
}

describe("the specification's examples", () => {
  it.each(specificationExamples)("$title", holds);
});

describe("the other rules", () => {
  it.each(furtherExchanges)("$title", holds);

  it("a notification is carried out", async () => {
    const { send, heard } = setup();
    await send('{"jsonrpc": "2.0", "method": "update", "params": [1]}');
    expect(heard).toEqual(["update"]);
  });

  it("a method without a result answers null", async () => {
    const { answer } = await setup().send('{"jsonrpc": "2.0", "method": "nothing", "id": 1}');
    expect(answer).toEqual({ jsonrpc: "2.0", result: null, id: 1 });
  });

  it("calls of a batch are made in order, one after the other", async () => {
    const { send, heard } = setup();
    const names = ["update", "notify_sum", "notify_hello", "update"];
    await send(JSON.stringify(names.map((name) => ({ jsonrpc: "2.0", method: name, params: [1] }))));
    expect(heard).toEqual(names);
  });
});

describe("limits", () => {
  const request = (id: number): unknown => ({ jsonrpc: "2.0", method: "get_data", id });

  it("a text of more than 200 000 values is not read to its end, whatever they are", async () => {
    const { send } = setup();
    for (const values of ["{},".repeat(300_000), "1,".repeat(300_000)]) {
      const { answer } = await send(`[${values}`);
      expect(answer).toMatchObject({ error: { code: -32700, data: { reason: "parse_error" } } });
      expect(JSON.stringify(answer)).toContain("there are more than 200000 values");
    }
  });

  it("a batch of 100 is answered, one of 101 is refused as a whole", async () => {
    const { send } = setup();
    const batch = (length: number): string => JSON.stringify(Array.from({ length }, (_, n) => request(n)));
    expect((await send(batch(100))).answer).toHaveLength(100);
    expect((await send(batch(101))).answer).toMatchObject({
      error: { code: -32600, data: { reason: "batch_too_long" } },
    });
  });

  it("32 levels are read, 33 are not", async () => {
    const { send } = setup();
    const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    expect((await send(deep(32))).answer).toMatchObject([{ error: { code: -32600 } }]);
    expect((await send(deep(33))).answer).toMatchObject({ error: { code: -32700 } });
    expect((await send(deep(1_000_000))).answer).toMatchObject({ error: { code: -32700 } });
  });

  it("a batch whose answers grow too long is not carried out to its end", async () => {
    const { send } = setup();
    const batch = [1, 2, 3, 4, 5, 6].map((id) => ({ jsonrpc: "2.0", method: "long", id }));
    const { answer } = await send(JSON.stringify(batch));
    expect((answer as { error?: unknown }[]).filter((one) => one.error !== undefined)).toMatchObject([
      { id: 5, error: { code: -32600, data: { reason: "answer_too_large" } } },
      { id: 6 },
    ]);
  });
});

describe("errors", () => {
  it("of a method reach the caller with code, reason and hint", async () => {
    const { answer } = await setup().send('{"jsonrpc": "2.0", "method": "refuse", "id": 1}');
    expect(answer).toEqual({
      jsonrpc: "2.0",
      error: { code: -32009, message: "it is taken", data: { reason: "conflict", hint: "use another" } },
      id: 1,
    });
  });

  it("that are bugs are reported, and the caller learns nothing of them", async () => {
    const { send, bugs, calls } = setup();
    const { text } = await send('{"jsonrpc": "2.0", "method": "broken", "id": 1}');
    expect(JSON.parse(text!)).toMatchObject({ error: { code: -32603, message: "internal error" } });
    expect(text).not.toMatch(/hunter2|redis:|TypeError|at /);
    expect(bugs).toHaveLength(1);
    expect(calls).toEqual([["broken", -32603]]);
  });

  it("for want of a scope are -32003, and HTTP 403 when they stand alone", async () => {
    const { send } = setup();
    const reader: TestCall = { principal: { name: "r", scopes: ["jobs:read"] } };
    const call = '{"jsonrpc": "2.0", "method": "for_admins", "id": 1}';
    expect(await send(call, reader)).toMatchObject({ httpStatus: 403, answer: { error: { code: -32003 } } });
    expect(await send(`[${call}]`, reader)).toMatchObject({
      httpStatus: 200,
      answer: [{ error: { code: -32003 } }],
    });
    expect(await send(call)).toMatchObject({ httpStatus: 200, answer: { result: "done" } });
  });

  it("have these codes", () => {
    expect(rpcCodes).toEqual({
      parse_error: -32700,
      invalid_request: -32600,
      method_not_found: -32601,
      invalid_params: -32602,
      internal: -32603,
      unauthenticated: -32001,
      forbidden: -32003,
      not_found: -32004,
      conflict: -32009,
      not_allowed: -32011,
      too_many_requests: -32029,
    });
  });
});

describe("values", () => {
  it("keep members called __proto__ as members", () => {
    const parsed = parseStrictJson('{"__proto__": {"a": 1}, "list": [{"__proto__": 2}]}');
    const value = plain(parsed.ok ? parsed.value : null);
    expect(JSON.stringify(value)).toBe('{"__proto__":{"a":1},"list":[{"__proto__":2}]}');
    expect(Object.getPrototypeOf(value)).toBeNull();
  });
});
