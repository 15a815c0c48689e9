import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonObject, type JsonValue, parseStrictJson } from "../src/strict-json.ts";

/** The same value as JSON.parse gives it; a null prototype keeps `__proto__` an ordinary member. */
function plain(value: JsonValue): unknown {
  if (isJsonObject(value)) {
    const object: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [name, member] of value) object[name] = plain(member);
    return object;
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

function read(text: string): unknown {
  const parsed = parseStrictJson(text);
  if (!parsed.ok) throw new Error(parsed.detail);
  return plain(parsed.value);
}

function refusal(text: string): string {
  const parsed = parseStrictJson(text);
  return parsed.ok ? "accepted" : parsed.detail;
}

describe("parseStrictJson", () => {
  it("reads what JSON.stringify writes, whatever the value", () => {
    const exact = fc.jsonValue({ maxDepth: 3 }).filter((value) => isExact(value));
    fc.assert(
      fc.property(exact, fc.constantFrom(0, 1, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(JSON.stringify(read(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it("accepts nothing that JSON.parse refuses, and never throws", () => {
    const noise = fc.stringMatching(/^[{}[\]",:\\u0-9a-fA-Ftrulsn eE+.\-\u0001 -]{0,40}$/);
    fc.assert(
      fc.property(fc.oneof(noise, fc.string({ unit: "binary" })), (text) => {
        expect(jsonParseAccepts(text) || !parseStrictJson(text).ok).toBe(true);
      }),
    );
  });

  it("refuses a member name that stands twice, at any depth, however it is escaped", () => {
    expect(refusal('{"a":1,"a":1}')).toBe('the member "a" stands twice, at character 8');
    expect(refusal('{"payload":1,"\\u0070ayload":2}')).toContain('the member "payload" stands twice');
    expect(refusal('[{"x":{"__proto__":1,"__proto__":2}}]')).toContain("stands twice");
    expect(read('{"a":{"a":1},"b":{"a":2}}')).toEqual({ a: { a: 1 }, b: { a: 2 } });
  });

  it("keeps a member called __proto__ as a member", () => {
    const parsed = parseStrictJson('{"__proto__":{"admin":true}}');
    expect(parsed.ok && isJsonObject(parsed.value) && [...parsed.value.keys()]).toEqual(["__proto__"]);
  });

  it.each([
    ['"\\ud800"', "half a surrogate pair"],
    ['"\\udc00\\ud800"', "half a surrogate pair"],
    ['"\ud800"', "half a surrogate pair"],
    ['{"\\ud800":1}', "half a surrogate pair"],
    ["9007199254740992", "too large to be kept exactly"],
    ["-9007199254740993", "too large to be kept exactly"],
    ["1e400", "too large to be kept exactly"],
    ["\ufeff{}", "not a JSON value"],
    ["01", "goes on after the value"],
    ["+1", "not a JSON value"],
    ["1.", "goes on after the value"],
    [".5", "not a JSON value"],
    ["NaN", "not a JSON value"],
    ["'a'", "not a JSON value"],
    ["[1,]", "not a JSON value"],
    ['{"a":1,}', "member name in double quotes"],
    ["{a:1}", "member name in double quotes"],
    ['"a\nb"', "bare control character"],
    ['"a', "has no end"],
    ['"\\x41"', "unknown escape"],
    ['"\\u12g4"', "unknown escape"],
    ["", "ends where a value should stand"],
    ["{} {}", "goes on after the value"],
    ["tru", "not a JSON value"],
  ])("refuses %j", (text, detail) => {
    expect(refusal(text)).toContain(detail);
  });

  it("joins an escaped surrogate pair and keeps the largest exact integers", () => {
    expect(read('"\\ud83d\\ude00"')).toBe("😀");
    expect(read("[9007199254740991,-9007199254740991]")).toEqual([9007199254740991, -9007199254740991]);
  });

  it("counts nesting and does not overflow the stack", () => {
    expect(parseStrictJson("[[1]]", { maxDepth: 2 }).ok).toBe(true);
    expect(parseStrictJson("[[[1]]]", { maxDepth: 2 }).ok).toBe(false);
    expect(refusal("[".repeat(1_000_000))).toContain("nested deeper than 32");
  });

  it("holds no more values than it may, members of objects included", () => {
    expect(parseStrictJson('[1,{"a":[]}]', { maxValues: 4 }).ok).toBe(true);
    const refused = { ok: false, detail: "there are more than 3 values, at character 9" };
    expect(parseStrictJson('[1,{"a":[]}]', { maxValues: 3 })).toEqual(refused);
  });
});

function jsonParseAccepts(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isExact(value: unknown): boolean {
  if (typeof value === "number") return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value === "string") return !/\p{Surrogate}/u.test(value);
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).every(([name, member]) => isExact(name) && isExact(member));
  }
  return true;
}
