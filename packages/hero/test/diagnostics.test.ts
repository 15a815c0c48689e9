import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../src/script/diagnostics.ts";
import { nearestName } from "../src/script/names.ts";
import { parseScript } from "../src/script/parse.ts";

/** `line:column code` of every diagnostic. */
function places(text: string, strict = true): string[] {
  return parseScript(text, { strict }).diagnostics.map(
    ({ severity, code, line, column }) => `${line}:${column} ${severity} ${code}`,
  );
}

function only(text: string): { message: string; hint: string } {
  const { diagnostics } = parseScript(text);
  expect(diagnostics).toHaveLength(1);
  return { message: diagnostics[0]!.message, hint: diagnostics[0]!.hint ?? "" };
}

describe("what is wrong with a script is said at once", () => {
  test("every problem has its own place", () => {
    const text = ["!!a.b x=1", "    y:2", "!!c.d.e", "!!!!!f.g", "!!h.i", "    k:'never", ""].join("\n");
    expect(places(text)).toEqual([
      "1:8 error illegal-char",
      "3:1 error name-parts",
      "4:1 error five-bangs",
      "6:7 error unclosed-quote",
    ]);
  });

  test.each([
    ["!!a.b 💥", "'💥' cannot stand"],
    ["!!a.b x\u00a0y:1", "the character U+00a0 cannot stand"],
    ["!!a.b x\u200by:1", "the character U+200b cannot stand"],
  ])("%j names the character", (text, message) => {
    expect(only(text).message).toContain(message);
  });

  test.each([
    ["!!a.b k:'日本語' x=1", 18],
    ["!!a.b k:'💥é' x=1", 15],
    ["!!a.b k:'e\u0301' x=1", 13],
    ["!!a.b k:'\u0001' x=1", 17],
    ["!!a.b k:'\t' x=1", 16],
    [`!!a.b k:'${"💥".repeat(200)}' x=1`, undefined],
  ])("%j has its caret below the place, as a terminal shows it", (text, columns) => {
    const { script, diagnostics } = parseScript(text);
    const [shown = "", carets = ""] = formatDiagnostic(diagnostics[0]!, { name: "a", lines: script.lines })
      .split("\n")
      .slice(1);
    expect(shown).not.toMatch(/\p{Cs}/u);
    if (columns !== undefined) expect(carets).toBe(`     | ${" ".repeat(columns)}^`);
  });

  test("a problem costs one line, not the action", () => {
    const { script } = parseScript("!!a.b x:1\n    --flag\n    y:2\n");
    expect(script.actions[0]?.params.map(({ key }) => key)).toEqual(["x", "y"]);
  });

  test("the message shows the line, carets and a hint", () => {
    const text = '!!play.echo content:"it\'s fine"';
    const { script, diagnostics } = parseScript(text);
    const [first] = diagnostics;
    expect(first && formatDiagnostic(first, { name: "a.hero", lines: script.lines })).toBe(
      [
        "a.hero:1:31: error: '\"' cannot stand in a name or an argument",
        '   1 | !!play.echo content:"it\'s fine"',
        "     |                               ^",
        "       hint: the value before it already ended at a quote; inside a value write \\' or \\\" for a quote",
      ].join("\n"),
    );
  });

  test("tabs do not move the caret, and columns count characters", () => {
    const { script, diagnostics } = parseScript("!!a.b\n\tx:1 #no");
    const [first] = diagnostics;
    expect(first).toMatchObject({ line: 2, column: 6 });
    const shown = first && formatDiagnostic(first, { name: "a", lines: script.lines }).split("\n");
    expect(shown?.[2]?.indexOf("^")).toBe(shown?.[1]?.indexOf("#"));
  });

  test("a long line is cut around the place, and control characters cannot reach the terminal", () => {
    const { script, diagnostics } = parseScript(
      `!!a.b x:'${"y".repeat(500)}\u001b[31m' z=1 ${"w ".repeat(200)}`,
    );
    const shown = formatDiagnostic(diagnostics[0]!, { name: "a", lines: script.lines });
    expect(shown.split("\n")[1]?.length).toBeLessThan(130);
    expect(shown).not.toContain("\u001b");
  });
});

describe("text that would be lost is reported, in strict reading as an error", () => {
  test.each([
    ["a name without a value at the end", "!!a.b x:1 cpu:", "1:11", "no-value"],
    ["a list that ends with a comma", "!!a.b tags:a,b,", "1:7", "trailing-comma"],
    ["a line indented by one column", "!!a.b\n url:x", "2:2", "one-space"],
    ["parameters behind a comment at the margin", "!!a.b\n// note\n    x:1", "3:5", "cut-off"],
    [
      "a text that is never closed",
      "!!a.b\n    body:'\n        one\n        two'\n    c:1",
      "2:5",
      "unclosed-text",
    ],
    ["a quote that is never closed", "!!a.b x:'one two", "1:9", "unclosed-quote"],
  ])("%s", (_, text, place, code) => {
    expect(places(text)).toContain(`${place} error ${code}`);
    expect(places(text, false)).toContain(`${place} warning ${code}`);
  });

  test.each([
    ["the reserved parameter id", "!!a.b id:4", "reserved-id"],
    ["a parameter given twice", "!!a.b x:1 x:2", "repeated"],
    ["an argument given twice", "!!a.b web web", "repeated"],
    ["a slash that is dropped", "!!a.b /etc/hosts", "leading-slash"],
    ["a space before the colon", "!!a.b key : value", "empty-key"],
    ["a comma that takes the next parameter", "!!a.b tags:a,b, other:1", "list-item"],
  ])("%s is a warning", (_, text, code) => {
    expect(parseScript(text).diagnostics).toMatchObject([{ severity: "warning", code }]);
  });

  test("pairs in a list are not mistaken for parameters", () => {
    expect(places("!!a.b replace:NAME:demo, COLOR:red")).toEqual([]);
  });

  test("the hint names the line with the misplaced quote", () => {
    expect(only("!!a.b\n    body:'\n        one\n        two'\n").hint).toContain(
      "line 4 ends with one behind text",
    );
  });
});

describe("expressions in values", () => {
  test("quotes inside an expression are its own", () => {
    const { script, diagnostics } = parseScript("!!a.b x:'${env.STAGE ?? \"test\"} and ${f('}')}' y:1");
    expect(diagnostics).toEqual([]);
    expect(script.actions[0]?.params[0]?.template).toMatchObject([
      { kind: "code", code: 'env.STAGE ?? "test"' },
      { kind: "text", text: " and " },
      { kind: "code", code: "f('}')" },
    ]);
  });

  test("a backslash keeps ${ as text", () => {
    const { script } = parseScript("!!a.b x:'\\${HOME} ${y}'");
    expect(script.actions[0]?.params[0]?.template).toMatchObject([
      { kind: "text", text: "${HOME} " },
      { kind: "code", code: "y" },
    ]);
  });

  test("an expression that never ends, is empty or holds a comment is an error at its place", () => {
    expect(places("!!a.b x:'${y'")).toEqual(["1:10 error template"]);
    expect(places("!!a.b x:'a ${ }'")).toEqual(["1:12 error template"]);
    expect(places("!!a.b x:'${y /* z */}'")).toEqual(["1:10 error template"]);
  });
});

describe("the nearest name", () => {
  test.each([
    ["lsit", "list"],
    ["clon", "clone"],
    ["repo", "repo_action"],
    ["lists", "list"],
    ["xyz", undefined],
  ])("%s means %s", (typed, meant) => {
    expect(nearestName(typed, ["list", "clone", "repo_action", "define"])).toBe(meant);
  });
});
