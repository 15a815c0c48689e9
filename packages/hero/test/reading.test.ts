import { describe, expect, test } from "vitest";
import { convertParameter } from "../src/script/conversions.ts";
import { parseScript } from "../src/script/parse.ts";

/** Parameters and arguments of the first action. */
function first(text: string): [Record<string, string>, string[]] {
  const [action] = parseScript(text, { mode: "prose", strict: false }).script.actions;
  return [
    Object.fromEntries(action?.params.map(({ key, value }) => [key, value]) ?? []),
    action?.args.map(({ value }) => value) ?? [],
  ];
}

describe("the corners of the language", () => {
  test.each([
    ["a:'x'b:1", { a: "x", b: "1" }, []],
    ["a:x'y z", { a: "x'y" }, ["z"]],
    ["l:'New York', Oslo", { l: '"New York",Oslo' }, []],
    ["l:a , b", { l: "a,b" }, []],
    ["l:a,b,", { l: "a,b" }, []],
    ["a:x//remark b:1", { a: "x" }, []],
    ["word//remark", {}, ["word"]],
    ["a:'x'//remark\n  b:1", { a: "x", b: "1" }, []],
    ["a:1 // see https://x 'q'\n  b:2", { a: "1", b: "2" }, []],
    ["a:https://x//y b:2", { a: "https://x//y", b: "2" }, []],
    ["a:'see // this' b:2", { a: "see // this", b: "2" }, []],
    ["a:'x' //it's -/ b:2\n  c:3", { a: "x", b: "2", c: "3" }, []],
    ["\n  a:1\n  <!-- it's a note -->\n  b:2", { a: "1", b: "2" }, []],
    ["\n  body:    '\n    one\n    two\n    '\n  c:1", { body: "one two", c: "1" }, []],
    ["\n  body:'''\n    one\n    '\n  c:1", { body: "one", c: "1" }, []],
    ['body:" // remark\n    one\n    """\n  c:1', { body: "one", c: "1" }, []],
    ["a:'one\n\n      two' b:2", { a: "one two", b: "2" }, []],
    ["label:'Name:'\n  b:1", { label: "Name:", b: "1" }, []],
    ["a:'x\ty'", { a: "x    y" }, []],
    ["a:'C:\\dir'", { a: "C:\\dir" }, []],
    ["id id:4", {}, ["id"]],
    ["Blue Blue", {}, ["Blue", "Blue"]],
    ["x:é y:'é💥'", { x: "é", y: "é💥" }, []],
  ])("%j", (text, params, args) => {
    expect(first(`!!t.t ${text}`)).toEqual([params, args]);
  });

  test("a lone carriage return ends a line", () => {
    expect(first("!!t.t\r  a:1\r  b:2")[0]).toEqual({ a: "1", b: "2" });
  });

  test("a picture between a comment and its action does not part them, prose does", () => {
    for (const mode of ["prose", "auto"] as const) {
      expect(parseScript("// c\n![i](x)\n!!a.b", { mode }).script.actions[0]?.comment).toBe("c");
      expect(parseScript("// c\nwords\n!!a.b", { mode }).script.actions[0]?.comment).toBeUndefined();
    }
  });

  test("a text behind another parameter is one problem, not one for each of its lines", () => {
    const { diagnostics } = parseScript("!!t.t a:1 body:'\n    it's # text\n    '\n  b:1");
    expect(diagnostics.map(({ code, line }) => [code, line])).toEqual([["illegal-char", 1]]);
  });
});

describe("values of every kind", () => {
  const world = { home: "/h", nowUnix: 1000, exists: (path: string) => path === "/h/x" };
  const read = (kind: string, value: string) =>
    convertParameter({ params: [{ key: "a", value }], args: [] }, "a", kind, world);

  test.each([
    ["time_unix", "+1w -2h", 598_600],
    ["time_unix", "", 1000],
    ["clock_seconds", "12PM", 86_400],
    ["clock_seconds", "24", 86_400],
    ["clock_seconds", "7", 25_200],
    ["currency", "10kUSD", { code: "USD", amount: 10_000 }],
    ["currency", "€5", { code: "EUR", amount: 5 }],
    ["telnr", "+32475-12", "3247512"],
    ["emails", "A@B.C, d@e", ["a@b.c", "d@e"]],
    ["path", "~/x", "/h/x"],
    ["list_namefix", "a b, C-d.txt", ["a_b", "c_d.txt"]],
    ["u64", "18446744073709551615", "18446744073709551615"],
    ["percentage", "50 %", 0.5],
    ["int", "-2147483648", -2_147_483_648],
  ])("%s reads %j", (kind, text, value) => {
    expect(read(kind, text)).toEqual({ value });
  });

  test.each([
    ["currency", "10ABCD"],
    ["currency", "10XYZ"],
    ["list_int", "[1,2]"],
    ["time_unix", "31/02/2020"],
    ["time_unix", "2020-01-01 24"],
    ["bytes", "10 MB"],
    ["u64", "18446744073709551616"],
    ["int", "2147483648"],
    ["path", "~/y"],
    ["no_such_kind", "x"],
  ])("%s refuses %j", (kind, text) => {
    expect(read(kind, text)).toHaveProperty("error");
  });
});
