import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLogger, type LogFormat, type LogLevel } from "../src/index.ts";
import { SlowStream } from "./support/slow-stream.ts";

function setup(format: LogFormat = "text", level: LogLevel = "INFO", maxBacklogBytes = 1000) {
  const out = new SlowStream();
  const err = new SlowStream();
  const now = () => new Date(Date.UTC(2026, 0, 1));
  return { out, err, logger: createLogger({ level, format, out, err, now, maxBacklogBytes }) };
}

/** The one line that logging these fields makes. */
function lineOf(fields: object, format: LogFormat = "text", level: LogLevel = "INFO"): string {
  const { logger, out } = setup(format, level);
  logger.info(fields, "job started");
  return out.text;
}

function jsonOf(fields: object, level: LogLevel = "INFO"): unknown {
  return JSON.parse(lineOf(fields, "json", level));
}

/** A character that could end a line, move the cursor, hide or reorder text. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe("lines", () => {
  test("text for people: time, level, phrase, fields", () => {
    expect(lineOf({ id: "42", attempt: 1, ok: true })).toBe(
      "2026-01-01T00:00:00.000Z INFO job started id=42 attempt=1 ok=true\n",
    );
  });

  test("JSON: one object a line", () => {
    expect(jsonOf({ id: "42", attempt: 1, message: "mine" })).toEqual({
      time: "2026-01-01T00:00:00.000Z",
      level: "INFO",
      message: "job started",
      id: "42",
      attempt: 1,
      message_: "mine",
    });
  });

  test("INFO and DEBUG go to standard output, ERROR to standard error", () => {
    const { logger, out, err } = setup("text", "DEBUG");
    logger.debug({}, "one");
    logger.info({}, "two");
    logger.error({}, "three");
    expect(out.text).toMatch(/DEBUG one\n.*INFO two\n$/);
    expect(err.text).toMatch(/ERROR three\n$/);
  });

  test.each([
    ["INFO", ["info", "error"]],
    ["DEBUG", ["debug", "info", "error"]],
    ["ERROR", ["error"]],
  ] as const)("level %s lets %j through", (level, names) => {
    const { logger, out, err } = setup("text", level);
    for (const name of ["debug", "info", "error"] as const) logger[name]({}, name);
    const words = (out.text + err.text).match(/\w+$/gm);
    expect(words).toEqual([...names]);
  });

  test("a child adds its fields, and what is said later wins", () => {
    const { logger, out } = setup();
    logger.child({ job: "42", slot: 1 }).child({ slot: 2 }).info({ step: "claim" }, "job claimed");
    expect(out.text).toContain("job claimed job=42 slot=2 step=claim\n");
  });
});

describe("values", () => {
  test("are quoted where they could be mistaken", () => {
    expect(
      lineOf({ a: "two words", b: 'say "hi"', c: "x=1", d: "", e: "back\\slash", f: "naïve", g: [1, "x"] }),
    ).toContain(
      String.raw`a="two words" b="say \"hi\"" c="x=1" d="" e="back\\slash" f=naïve g="[1,\"x\"]"` + "\n",
    );
  });

  test("cannot forge a line, paint the terminal or reorder text", () => {
    const forged = "x\n2026-01-01T00:00:00.000Z INFO job finished id=1\r\u001b[2J\u202e\u2028\u0085\u{e0041}";
    for (const format of ["text", "json"] as const) {
      const line = lineOf({ id: forged, [`k${forged}`]: 1 }, format);
      expect(line.trimEnd()).not.toMatch(UNSAFE);
      expect(line.split("\n")).toHaveLength(2);
    }
    expect(jsonOf({ id: forged })).toMatchObject({ id: forged });
    expect(lineOf({ id: "a\n\u001b[31m" })).toContain(String.raw`id="a\n\u001b[31m"`);
  });

  test("an error gives its message and code, its stack at debug only", () => {
    const error = Object.assign(new Error("connect failed", { cause: new Error("no route") }), {
      code: "ECONNREFUSED",
    });
    expect(lineOf({ error })).toContain(
      'error="connect failed" error_code=ECONNREFUSED error_cause="no route"\n',
    );
    expect(jsonOf({ error }, "DEBUG")).toMatchObject({
      error_stack: expect.stringContaining("logger.test.ts"),
    });
  });

  test("an error that gathers others tells what they say", () => {
    const error = new AggregateError([
      new Error("connect ECONNREFUSED ::1"),
      new Error("connect ECONNREFUSED 127.0.0.1"),
    ]);
    expect(jsonOf({ error })).toMatchObject({
      error: "connect ECONNREFUSED ::1; connect ECONNREFUSED 127.0.0.1",
    });
  });

  test("bytes are counted, not shown; large and odd things become text", () => {
    const circular: Record<string, unknown> = { name: "loop" };
    circular["self"] = circular;
    const fields = {
      bytes: Buffer.from("secret bytes"),
      big: 2n ** 64n,
      circular,
      date: new Date(0),
      never: new Date(Number.NaN),
      map: new Map([["a", new Set([1])]]),
      f: () => 1,
      nan: Number.NaN,
      none: null,
      absent: undefined,
    };
    expect(jsonOf(fields)).toMatchObject({
      bytes: "<12 bytes>",
      big: "18446744073709551616",
      circular: { name: "loop", self: "<circular>" },
      date: "1970-01-01T00:00:00.000Z",
      never: "<invalid date>",
      map: { a: [1] },
      f: "<function>",
      nan: "NaN",
      none: null,
    });
    expect(lineOf(fields)).not.toContain("absent");
  });

  test("long texts and lists are cut with a count", () => {
    expect(lineOf({ text: "x".repeat(5000) })).toContain(`${"x".repeat(10)}… (904 more)`);
    expect(jsonOf({ list: Array.from({ length: 100 }, () => 0) })).toMatchObject({
      list: expect.arrayContaining(["<36 more>"]),
    });
    expect(jsonOf({ deep: { a: { b: { c: { d: 1 } } } } })).toMatchObject({
      deep: { a: { b: { c: { d: 1 } } } },
    });
    expect(lineOf({ deep: { a: { b: { c: { d: {} } } } } })).toContain("<too deep>");
    const wide = (depth: number): unknown =>
      depth === 0 ? 0 : Array.from({ length: 50 }, () => wide(depth - 1));
    expect(lineOf({ wide: wide(3) }).length).toBeLessThan(3000);
  });

  test("a getter or proxy that throws costs its field, not the line", () => {
    const trap = new Proxy({}, { ownKeys: () => { throw new Error("no"); } }); // prettier-ignore
    const getter = { get bad(): string { throw new Error("no"); } }; // prettier-ignore
    expect(jsonOf({ trap, good: 1 })).toMatchObject({ trap: "<unreadable>", good: 1 });
    expect(jsonOf(getter)).toMatchObject({ message: "job started", log_error: expect.any(String) });
    expect(jsonOf(trap)).toMatchObject({ log_error: expect.any(String) });
  });

  test("passwords are masked: in URLs anywhere, and under telling names at any depth", () => {
    const error = new Error("cannot reach redis://u:S3CRET@h");
    const fields = {
      url: new URL("redis://u:S3CRET@h"),
      error,
      nested: { list: ["redis://:S3CRET@h"], apiKey: "S3CRET", claim_token: "S3CRET" },
      adminSecret: "S3CRET",
      payload: "S3CRET",
      cut: `${"x".repeat(4080)}redis://u:${"S3CRET".repeat(20)}@h`,
    };
    for (const format of ["text", "json"] as const) {
      for (const level of ["INFO", "DEBUG"] as const)
        expect(lineOf(fields, format, level)).not.toContain("S3C");
    }
    const { logger, out } = setup();
    logger.info({ public_key: "02ab", key: "hero:{r}:queue" }, "at redis://u:S3CRET@h");
    expect(out.text).toContain("at redis://u:***@h public_key=02ab key=hero:{r}:queue\n");
  });

  test("whatever is logged is one line, safe to look at, and JSON where JSON is asked for", () => {
    const anything = fc.dictionary(
      fc.string({ unit: "binary" }),
      fc.anything({ withDate: true, withBigInt: true, withMap: true }),
    );
    fc.assert(
      fc.property(anything, fc.string({ unit: "binary" }), (fields, message) => {
        for (const format of ["text", "json"] as const) {
          const { logger, out } = setup(format, "DEBUG", 1e9);
          logger.info(fields, message);
          expect(out.text).toMatch(/^[^\n]+\n$/);
          expect(out.text.slice(0, -1)).not.toMatch(UNSAFE);
          if (format === "json") expect(JSON.parse(out.text)).toMatchObject({ level: "INFO" });
        }
      }),
    );
  });
});

describe("a slow or vanished reader", () => {
  test("costs lines, which are counted, and never more memory than agreed", () => {
    const out = new SlowStream(false);
    const logger = createLogger({
      level: "INFO",
      format: "text",
      out,
      err: new SlowStream(),
      maxBacklogBytes: 1000,
    });
    for (let line = 0; line < 500; line++) logger.info({ line }, "job started");
    expect(out.writableLength).toBeLessThan(1100);
    out.read();
    out.emit("drain");
    const kept = out.text.match(/job started/g)?.length ?? 0;
    expect(out.text).toContain(`INFO log lines dropped lines=${500 - kept}\n`);
    logger.info({}, "back again");
    expect(out.text).toMatch(/back again\n$/);
    expect(out.text.match(/dropped/g)).toHaveLength(1);
  });

  test("flush waits for what is on its way, but not for ever", async () => {
    const out = new SlowStream(false);
    const logger = createLogger({ level: "INFO", format: "text", out, err: new SlowStream() });
    logger.info({}, "last words");
    await logger.flush(20);
    expect(out.text).toBe("");
    const flushed = logger.flush(60_000);
    out.read();
    await flushed;
    expect(out.text).toContain("last words");
  });

  test("a stream that throws is survived", () => {
    const broken = new SlowStream();
    broken.write = () => {
      throw new Error("EIO");
    };
    const logger = createLogger({ level: "INFO", format: "text", out: broken, err: broken });
    expect(() => logger.info({}, "x")).not.toThrow();
    expect(() => broken.emit("error")).not.toThrow();
  });
});
