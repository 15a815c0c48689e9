import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { memoryIsFull } from "../src/run/interpreter.ts";
import { temporaryFolder } from "./support/hero.ts";
import { runScript } from "./support/run-script.ts";

test("print writes every character, a zero and half a pair too", async () => {
  const { out } = await runScript('let text = "a\\0b"\nprint(text, "\\ud83d", "é💥")');
  expect(out).toEqual(["a\0b \ud83d é💥"]);
});

describe("errors of statements", () => {
  test("more nesting than the interpreter has stack for is a syntax error", async () => {
    const { code, report } = await runScript(`let a = ${"[".repeat(20_000)}${"]".repeat(20_000)}`);
    expect(report).toContain("JavaScript cannot read this");
    expect(code).toBe(3);
  });

  test.each([
    ["let a = 1\n\n  a.b.c", "3:3", "TypeError: cannot read property 'c' of undefined"],
    ["function f() {\n  fail('no ' + 1)\n}\nf()", "2:3", "error: no 1"],
    ["print(1)\nlet x = ;", "2:9", "JavaScript cannot read this"],
    ["!!play.echo\n    content:'${1 +}'", "2:16", "JavaScript cannot read this"],
    ['if (true) {\n  !!docker.start\n      name:\'${"-" + "x"}\'\n}', "2:3", "looks like an option"],
    ["docker.ps({ all: [] })", "1:1", "all must be true or false"],
  ])("%j points at %s", async (text, place, message) => {
    const { report } = await runScript(text);
    expect(report).toContain(`test.hero:${place}: error:`);
    expect(report).toContain(message);
  });

  test.each([
    ["console.log(1)", "print(…) writes a line"],
    ["prin(1)", 'did you mean "print"?'],
    ["gitt.list()", 'did you mean "git"?'],
    ["require('fs')", "own actors come from --actors DIR"],
  ])("%s gets a hint", async (text, hint) => {
    expect((await runScript(text)).report).toContain(hint);
  });

  test("a thrown value that is no error has no place", async () => {
    expect((await runScript("throw 'words'")).report).toBe('test.hero: error: uncaught value: "words"\n');
    expect((await runScript("throw null")).report).toBe("test.hero: error: uncaught value: null\n");
  });

  test("an action's error can be caught, and says which action it was", async () => {
    const { out, code } = await runScript(
      "try { docker.start() } catch (error) { print(error.name, error.message) }",
    );
    expect(out).toEqual(["ActionError docker.start: needs the name of a container: name:'web'"]);
    expect(code).toBe(0);
  });

  test("an error in an included script keeps its place", async () => {
    const { report } = await runScript(
      "try {\n  !!play.include path:nothing.hero\n} finally {\n  print('after')\n}",
    );
    expect(report).toContain("test.hero:2:3: error: play.include failed");
  });
});

describe("what statements see", () => {
  test("print, env and args", async () => {
    const { out } = await runScript(
      [
        "print('a', 1, null, undefined, { b: [1] }, true, 10n)",
        "print(env.X, env.NOPE, 'X' in env, Object.keys(env))",
        "print(args, args.length, Object.isFrozen(args))",
        "print(new Error('e'), () => 1)",
      ].join("\n"),
      { env: { X: "y" }, args: ["p", "q"] },
    );
    expect(out).toEqual([
      'a 1 null undefined {"b":[1]} true 10',
      'y undefined true ["X"]',
      '["p","q"] 2 true',
      "Error: e () => 1",
    ]);
  });

  test("a variable set by an action is seen at once, and env itself is read-only", async () => {
    const { out, report } = await runScript("!!osal.env_set key:A_B value:1\nprint(env.A_B)\nenv.A_B = 2", {
      env: {},
    });
    expect(out).toEqual(["1"]);
    expect(report).toContain("env is read-only");
  });

  test("names of one script are not names of another run in the same engine", async () => {
    const { code } = await runScript("const print2 = print\nprint2(typeof globalThis.print2)");
    expect(code).toBe(0);
  });
});

describe("the fence around statements", () => {
  const beyond = [
    "process",
    "require",
    "module",
    "global",
    "Buffer",
    "fetch",
    "WebAssembly",
    "Deno",
    "std",
    "os",
    "console",
    "setTimeout",
    "Promise",
    "Worker",
    "XMLHttpRequest",
    "SharedArrayBuffer__",
  ];

  test("nothing of the machine has a name", async () => {
    const { out } = await runScript(`print(${JSON.stringify(beyond)}.filter((name) => name in globalThis))`);
    expect(out).toEqual(["[]"]);
  });

  test.each([
    ["this.constructor.constructor('return process')()"],
    ["print.constructor('return process')().exit()"],
    ["git.list.constructor('return require')()('fs')"],
    ["env.constructor.constructor('return process')()"],
    ["(0, eval)('process.exit(9)')"],
    ["new Function('return process')()"],
    ["Object.getPrototypeOf(git).constructor('return process')()"],
    ["Error.prepareStackTrace = (_, frames) => frames[0].getThis(); new Error().stack.process.exit(9)"],
    ["try { null.x } catch (e) { e.constructor.constructor('return process')() }"],
    ["Reflect.construct(Function, ['return process'])()"],
    ["[].constructor.constructor('return globalThis.process.env')().PATH"],
  ])("%s reaches nothing", async (text) => {
    const { code, out } = await runScript(`${text}\nprint('reached')`);
    expect(code).toBe(1);
    expect(out).toEqual([]);
  });

  test("a script that replaces built-ins harms only itself", async () => {
    const { out, code } = await runScript(
      [
        "JSON.parse = () => ({ ok: true, value: 'forged' })",
        "JSON.stringify = () => '{}'",
        "Array.isArray = () => true",
        "Object.defineProperty(Object.prototype, 'allow', { value: ['*'] })",
        "print(docker.ps === docker.ps)",
        "try { git.list({ nothing: 1 }) } catch (error) { print(error.message) }",
      ].join("\n"),
    );
    expect(out[1]).toContain('there is no parameter "nothing"');
    expect(code).toBe(0);
  });

  test("print, env and the actors cannot be replaced", async () => {
    for (const text of [
      "print = 1",
      "git = 1",
      "globalThis.env = 1",
      "delete globalThis.print",
      "git.list = 1",
    ]) {
      expect((await runScript(`${text}\n`)).report).toContain("TypeError");
    }
  });

  test("parameters named like properties of objects are only unknown parameters", async () => {
    for (const name of ["__proto__", "constructor", "toString"]) {
      expect((await runScript(`!!git.list ${name}:1`)).report).toContain(
        `no parameter "${name.toLowerCase()}"`,
      );
      expect((await runScript(`git.list(JSON.parse('{"${name}": 1}'))`)).report).toContain("no parameter");
    }
    expect((await runScript("!!constructor.x")).code).toBe(4);
    expect((await runScript("!!git.constructor")).code).toBe(4);
  });
});

describe("limits", () => {
  // 0: it is up before the engine is there.
  test.each([200, 0])("an endless loop ends with the time, of %i ms", async (timeoutMs) => {
    const { report, code } = await runScript("while (true) {}", { timeoutMs });
    expect(report).toContain("the time limit of the script is reached");
    expect(code).toBe(1);
  });

  test("the end of the time cannot be caught", async () => {
    const { code, out } = await runScript(
      "while (true) { try { while (true) {} } catch {} finally { print('x') } }",
      {
        timeoutMs: 200,
      },
    );
    expect(code).toBe(1);
    expect(out).toEqual([]);
  });

  test("memory has an end, also for texts and for what actions return", async () => {
    const { out, report, code } = await runScript(
      [
        "let n = 0",
        "const all = []",
        "try { while (true) { all.push(String(n).repeat(500_000)); n++ } } catch (error) { print(String(error)) }",
        "print(n > 20 && n < 100)",
        "all.length = 0",
        "print(play.echo({ content: 'x'.repeat(5_000_000) }).length)",
        "while (true) all.push(play.echo({ content: 'x'.repeat(5_000_000) }))",
      ].join("\n"),
    );
    expect(out).toEqual(["InternalError: out of memory", "true", "5000000"]);
    expect(report).toContain("out of memory");
    expect(code).toBe(1);
  });

  test("memory that many small things have filled is named, and a long script has its own", async () => {
    const { report } = await runScript("const all = []\nwhile (true) all.push({})");
    expect(report).toContain("out of memory");
    const long = await runScript(`let a = 1\n${"a += 1; a -= 1\n".repeat(100_000)}print(a)`);
    expect([long.out, long.code]).toEqual([["1"], 0]);
    const tooLong = await runScript(`let a = [${"x=>x,".repeat(300_000)}]`);
    expect(tooLong.report).toContain("test.hero: error: JavaScript cannot read this: it is too long\n");
  });

  test("a text for whose copy there is no memory is an error like the script's own", async () => {
    const { out, report, code } = await runScript(
      [
        "const text = 'é'.repeat(20_000_000)",
        "for (const use of [print, play.echo]) try { use(text) } catch (error) { print(String(error)) }",
        "print(text)",
      ].join("\n"),
    );
    expect(out).toEqual(["InternalError: out of memory", "InternalError: out of memory"]);
    expect(report).toContain("test.hero:3:1: error: InternalError: out of memory");
    expect(code).toBe(1);
  });

  describe("after memory was full and is free again", () => {
    const used = [
      "let all = []",
      "try { while (true) all.push(new Uint8Array(1e6)) } catch {}",
      "all = undefined",
      "",
    ].join("\n");

    test.each([
      ["throw 'no such host'", 'test.hero: error: uncaught value: "no such host"\n'],
      ["throw { code: 5 }", 'test.hero: error: uncaught value: {"code":5}\n'],
    ])("%s is what it is", async (text, expected) => {
      const { report } = await runScript(used + text);
      expect(memoryIsFull()).toBe(true);
      expect(report).toBe(expected);
    });

    test("so is a syntax error of an included file", async () => {
      const path = join(temporaryFolder(), "broken.hero");
      writeFileSync(path, "let b = 1\nlet a = ;\n");
      const { report } = await runScript(`${used}!!play.include path:'\${"${path}"}'`);
      expect(memoryIsFull()).toBe(true);
      expect(report).toContain(`${path}:2:9: error: JavaScript cannot read this: unexpected token`);
    });
  });

  test("a script has all of the memory after another that filled it, and no more after a long one", async () => {
    const fill = "let n = 0\nconst all = []\ntry { for (;; n++) all.push(new Uint8Array(1e6)) } catch {}\n";
    const count = async (before: string) => {
      await runScript(before);
      return Number((await runScript(`${fill}print(n)`)).out[0]);
    };
    const first = await count("let a = 1");
    expect(await count(fill)).toBeCloseTo(first, -1);
    expect(await count(`let a = 1\n${"a += 1; a -= 1\n".repeat(100_000)}`)).toBeCloseTo(first, -1);
  });

  test("memory has an end", async () => {
    const { report, code } = await runScript("const all = []\nwhile (true) all.push(new Uint8Array(1e6))");
    expect(report).toContain("test.hero:2:");
    expect(report).toContain("out of memory");
    expect(code).toBe(1);
  });

  test.each([
    ["function deeper() { return deeper() + 1 }\ndeeper()"],
    ["let a = []\nfor (let i = 0; i < 1e5; i++) a = [a]\nprint(JSON.stringify(a).length)"],
    ["const s = '('.repeat(1e5) + ')'.repeat(1e5)\nnew RegExp(s)"],
    ["eval('['.repeat(1e5))"],
    ["let o = {}\nfor (let i = 0; i < 1e5; i++) o = new Proxy(o, {})\no.x"],
  ])("recursion has an end: %s", async (text) => {
    const { code, report } = await runScript(text);
    expect(report).toMatch(/stack|recursion|SyntaxError|InternalError/);
    expect(code).toBe(1);
  });
});
