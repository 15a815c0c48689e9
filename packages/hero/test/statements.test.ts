import { describe, expect, test } from "vitest";
import { listActions } from "../src/script/list.ts";
import { parseScript } from "../src/script/parse.ts";

function read(text: string, mode: "script" | "prose" | "auto" = "script") {
  const { script, diagnostics } = parseScript(text, { mode });
  return {
    actions: script.actions.map(({ actor, name, params, line, column }) => ({
      action: `${actor}.${name}`,
      place: `${line}:${column}`,
      params: Object.fromEntries(params.map(({ key, value }) => [key, value])),
    })),
    roles: script.lines.map(({ role }) => role),
    problems: diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`),
    calls: listActions(script),
  };
}

describe("which line belongs to what", () => {
  test("outside blocks two columns make a parameter line", () => {
    const { actions, roles } = read("!!a.b\n  x:1\nprint(1)\n  y:2\n");
    expect(actions).toMatchObject([{ action: "a.b", params: { x: "1" } }]);
    expect(roles).toEqual(["action", "parameter", "statement", "statement", "blank"]);
  });

  test("inside a block a parameter line is two columns deeper than its action", () => {
    const text = ["for (const x of y) {", "  !!a.b one:1", "    two:2", "  print(x)", "  !!c.d", "}"].join(
      "\n",
    );
    const { actions, problems } = read(text);
    expect(problems).toEqual([]);
    expect(actions).toEqual([
      { action: "a.b", place: "2:3", params: { one: "1", two: "2" } },
      { action: "c.d", place: "5:3", params: {} },
    ]);
  });

  test("lines in parentheses, templates and comments are JavaScript, whatever they start with", () => {
    const text = ["f(a &&", "  !b)", "const t = `", "!!not.one", "`", "/*", "!!nor.this", "*/", "!!a.b"].join(
      "\n",
    );
    expect(read(text).actions).toMatchObject([{ action: "a.b", place: "9:1" }]);
  });

  test("regular expressions, strings and divisions do not confuse the brackets", () => {
    const text = [
      "const r = /[}{(]/g",
      "const s = \"} ' {\" + '{'",
      "const d = 4 / 2 / (1 + 1)",
      "!!a.b",
    ].join("\n");
    expect(read(text)).toMatchObject({ problems: [], actions: [{ action: "a.b" }] });
  });

  test("a line that starts with # is a comment, in a block only if it cannot be a private name", () => {
    const text = ["#!/usr/bin/env hero", "# note", "class A {", "  # note", "  #count = 0", "}"].join("\n");
    expect(read(text).roles).toEqual(["hash", "hash", "statement", "hash", "statement", "statement"]);
  });

  test("a comment at the margin belongs to the next action, a statement between them parts them", () => {
    const { script } = parseScript("// one\n!!a.b\n// two\nprint(1)\n!!c.d");
    expect(script.actions.map(({ comment }) => comment)).toEqual(["one", undefined]);
  });

  test("brackets that do not match are named where they stand", () => {
    expect(read("if (x) {\n  print(1)\n").problems).toEqual(["1:8 bracket"]);
    expect(read("print(1))\n").problems).toEqual(["1:9 bracket"]);
    expect(read("if (x) {\n print(1]\n}").problems).toEqual(["2:9 bracket"]);
  });

  test("words that promise asynchronous work are refused", () => {
    expect(read("const f = async () => 1\nawait f()\nimport('x')").problems).toEqual([
      "1:11 asynchronous",
      "2:1 asynchronous",
      "3:1 asynchronous",
    ]);
    expect(read("x.await = y.async").problems).toEqual([]);
  });
});

describe("prose", () => {
  const text = "It's (not closed\n!!a.b x:1\n\n* don't {\n!!c.d\n";

  test("in prose only actions count", () => {
    expect(read(text, "prose").actions.map(({ action }) => action)).toEqual(["a.b", "c.d"]);
  });

  test("auto sees that the lines between the actions are no program", () => {
    expect(read(text, "auto")).toMatchObject({
      problems: [],
      actions: [{ action: "a.b" }, { action: "c.d" }],
    });
  });
});

describe("the list of actions", () => {
  test("names what stands in blocks, in calls and in expressions, in order", () => {
    const text = [
      "if (git.list().length > 0) {",
      "  !!docker.restart name:'${docker.ps()[0].Names}'",
      "}",
      "x.git.clone()",
      '// git.pull("no")',
      'print("git.push()")',
    ].join("\n");
    expect(read(text).calls.map(({ actor, name, line, form }) => `${line} ${form} ${actor}.${name}`)).toEqual(
      ["1 call git.list", "2 action docker.restart", "2 call docker.ps"],
    );
  });
});
