import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "./support/hero.ts";
import { runScript } from "./support/run-script.ts";

describe("a run", () => {
  test("keeps the order of the script", async () => {
    const { out, code } = await runScript(
      [
        'print("one")',
        "!!play.echo content:two",
        "// not this",
        'print("three")',
        "!!play.echo content:four",
      ].join("\n"),
    );
    expect(out).toEqual(["one", "two", "three", "four"]);
    expect(code).toBe(0);
  });

  test("checks everything before it does anything", async () => {
    const { out, code, diagnostics } = await runScript(
      ['print("not this")', "!!gti.list", "!!git.lst", "!!git.list fliter:x", "!!play.echo words"].join("\n"),
    );
    expect(out).toEqual([]);
    expect(code).toBe(4);
    expect(diagnostics.map(({ line, column, code, hint }) => [line, column, code, hint])).toEqual([
      [2, 1, "unknown-actor", 'did you mean "git.list"?'],
      [3, 1, "unknown-action", 'did you mean "git.list"?'],
      [4, 12, "bad-parameter", 'did you mean "filter"?'],
      [5, 13, "bad-parameter", "parameters are written name:value; known: content"],
    ]);
  });

  test.each([
    ["print('x'", 3],
    ["!!a.b.c", 3],
    ["this is prose", 3],
    ["!!nobody.nothing", 4],
    ["git.lst()", 4],
    ["!!git.list nothing:1", 5],
    ["!!git.clone", 5],
    ["fail('x')", 1],
    ["null.x", 1],
    ["!!play.include path:missing.hero", 1],
    ["git.list({nothing: 1})", 5],
    ["git['lst']()", 4],
  ])("%s ends with exit code %i", async (text, code) => {
    expect((await runScript(text)).code).toBe(code);
  });

  test("the first problem by position decides the exit code", async () => {
    expect((await runScript("!!git.list nothing:1\n!!a.b.c")).code).toBe(5);
    expect((await runScript("!!a.b.c\n!!git.list nothing:1")).code).toBe(3);
    expect((await runScript("!!git.list nothing:1\nthis is prose")).code).toBe(5);
  });

  test("what is not allowed is refused before and while it runs", async () => {
    const allow = [["play.*", "docker.ps"]];
    expect(await runScript("!!git.list", { allow })).toMatchObject({ code: 6, out: [] });
    expect(await runScript("print(1)\ngit.list()", { allow })).toMatchObject({ code: 6, out: [] });
    expect(await runScript("print(1)\ngit['list']()", { allow })).toMatchObject({ code: 6, out: ["1"] });
    expect(await runScript("const g = git\ng.list()", { allow })).toMatchObject({ code: 6 });
    expect(await runScript("!!play.echo content:yes", { allow })).toMatchObject({ code: 0, out: ["yes"] });
  });

  test("a name the script gave a meaning of its own is not mistaken for an actor", async () => {
    expect(await runScript("const docker = { up: () => 'mine' }\nprint(docker.up())")).toMatchObject({
      out: ["mine"],
      code: 0,
    });
  });

  test("prose is skipped when the text is prose, and named when it is not", async () => {
    const text = "Some words that aren't JavaScript.\n\n!!play.echo content:hi\n";
    expect(await runScript(text, { prose: true })).toMatchObject({ out: ["hi"], code: 0 });
    expect((await runScript(text)).report).toContain("--prose");
  });

  test("in JSON everything is data", async () => {
    const run = await runScript("print('a')\n!!play.echo content:b\n!!session.env_set key:k val:v", {
      json: true,
    });
    expect(run.out).toEqual(["a"]);
    expect(run.results).toEqual([
      { action: "play.echo", data: "b" },
      { action: "session.env_set", data: undefined },
    ]);
  });
});

describe("values", () => {
  test("expressions are evaluated where the action stands", async () => {
    const { out } = await runScript(
      [
        "for (const [i, name] of ['a', 'b'].entries()) {",
        "  const twice = name + name",
        "  !!play.echo",
        "      content:'${i}: ${twice} ${[1, 2]} ${{k: 1}} ${true}'",
        "}",
      ].join("\n"),
    );
    expect(out).toEqual(['0: aa 1,2 {"k":1} true', '1: bb 1,2 {"k":1} true']);
  });

  test("an expression without a value is an error at its own place", async () => {
    const { report, code } = await runScript("\n!!play.echo\n    content:'${env.NOT_THERE}'");
    expect(report).toContain("test.hero:3:16: error: TypeError: the expression in ${…} has no value");
    expect(code).toBe(1);
  });

  test("session variables fill later values, and only what the author wrote", async () => {
    const { out } = await runScript(
      [
        "!!session.env_set key:'My-Name' val:world",
        "!!play.echo content:'hello {my_name} {MY-NAME} {other}'",
        "const text = '{my_name}'",
        "!!play.echo content:'${text} {my_name}'",
      ].join("\n"),
    );
    expect(out).toEqual(["hello world {MY-NAME} {other}", "{my_name} world"]);
  });

  test("a variable can be set once", async () => {
    const { report, code } = await runScript(
      "!!session.env_set_once key:a val:1\n!!session.env_set_once key:a value:2\n",
    );
    expect(report).toContain(
      "2:1: error: session.env_set_once failed: the session variable a is set already",
    );
    expect(code).toBe(1);
  });
});

describe("include", () => {
  function folder(files: Record<string, string>): string {
    const root = temporaryFolder();
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(root, name, ".."), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return root;
  }

  test("starts at the folder of the including script, again and again", async () => {
    const root = folder({
      "sub/a.hero": "!!play.include path:deeper/b.hero\nprint('a')",
      "sub/deeper/b.hero": "!!play.echo content:b\nconst mine = 1",
    });
    const run = await runScript("!!play.include path:sub/a.hero\nconst mine = 2\nprint(mine)", {
      folder: root,
    });
    expect(run.report).toBe("");
    expect(run.out).toEqual(["b", "a", "2"]);
  });

  test("a folder means its scripts: markdown first, hidden ones never", async () => {
    const root = folder({
      "all/z.md": "Words that aren't code.\n!!play.echo content:z",
      "all/a.hero": "!!play.echo content:a",
      "all/_not.hero": "!!play.echo content:not",
      "all/.not.hero": "!!play.echo content:not",
      "all/b/c.hero": "!!play.echo content:c",
    });
    expect((await runScript("!!play.include path:all", { folder: root })).out).toEqual(["z", "a", "c"]);
  });

  test("words are replaced before the text is read", async () => {
    const root = folder({ "p.hero": "!!play.echo content:'@NAME ${NAME} {NAME} {OTHER}'" });
    const run = await runScript("!!play.include path:p.hero replace:'NAME:demo'", { folder: root });
    expect(run.out).toEqual(["demo demo demo {OTHER}"]);
  });

  test("problems of included scripts are found before anything runs", async () => {
    const root = folder({ "bad.hero": "!!git.lst" });
    const run = await runScript("print('no')\n!!play.include path:bad.hero", { folder: root });
    expect(run).toMatchObject({ code: 4, out: [] });
    expect(run.report).toContain("bad.hero:1:1: error");
  });

  test("a cycle is named, with every file in it", async () => {
    const root = folder({ "a.hero": "!!play.include path:b.hero", "b.hero": "!!play.include path:a.hero" });
    const run = await runScript("!!play.include path:a.hero", { folder: root });
    expect(run.code).toBe(5);
    expect(run.report).toMatch(/include each other: .*a\.hero → .*b\.hero → .*a\.hero/);
  });

  test("a cycle over a path that is only known at run time is named too", async () => {
    const root = folder({ "a.hero": "const p = 'a.hero'\n!!play.include path:'${p}'" });
    const run = await runScript("!!play.include path:a.hero", { folder: root });
    expect(run.code).toBe(5);
    expect(run.report).toMatch(/a\.hero:2:1: error: .*include each other/);
  });

  test("a file that an action creates can be included after it", async () => {
    const root = folder({});
    const run = await runScript("print('first')\n!!play.include path:later.hero", { folder: root });
    expect(run.out).toEqual(["first"]);
    expect(run.report).toContain("2:1: error: play.include failed: there is no file or folder later.hero");
  });
});
