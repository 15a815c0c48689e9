import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  closeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { cases, deviations } from "./support/cases.ts";
import { hero, repository, temporaryFolder } from "./support/hero.ts";

function file(name: string, text: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

describe("hero run finds its script", () => {
  const text = 'print("hi " + args.join())';

  test("on standard input, as a value and in files", () => {
    const path = file("a.hero", text);
    for (const [args, input] of [
      [["run", "-s"], text],
      [["run", "-s", "-"], text],
      [["run", "-"], text],
      [["run", "--script"], text],
      [["run", "-s", text], ""],
      [["run", `--script=${text}`], ""],
      [["run", "-script", text], ""],
      [["run", "-h", text], ""],
      [["run", "-p", path], ""],
      [["run", path], ""],
      [[path], ""],
    ] as const) {
      expect([args, hero(args, { input })]).toEqual([args, { code: 0, stdout: "hi \n", stderr: "" }]);
    }
    expect(hero(["run", "-s", "--", "a", "--b"], { input: text }).stdout).toBe("hi a,--b\n");
  });

  test("in a folder of links, as Kubernetes mounts them", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "..data"));
    writeFileSync(join(folder, "..data/a.hero"), text);
    symlinkSync("..data/a.hero", join(folder, "a.hero"));
    symlinkSync("nowhere.hero", join(folder, "b.hero"));
    symlinkSync(".", join(folder, "c.hero"));
    expect(hero(["run", folder])).toEqual({ code: 0, stdout: "hi \n", stderr: "" });
  });

  test("not on a standard input without an end", () => {
    const zeros = openSync("/dev/zero", "r");
    const end = hero(["run", "-s"], { stdin: zeros });
    closeSync(zeros);
    expect(end).toEqual({
      code: 2,
      stdout: "",
      stderr: "hero: standard input holds more than 256 MiB; no script is that long\n",
    });
  });

  test("or says what is missing", () => {
    expect(hero(["run"])).toMatchObject({ code: 2, stdout: "" });
    expect(hero(["run", "nowhere.hero"]).stderr).toBe("hero: there is no file nowhere.hero\n");
    expect(hero(["run", "-s", "x", "y.hero"])).toMatchObject({ code: 2 });
    expect(hero(["run", "-p"])).toMatchObject({ code: 2 });
    expect(hero(["run", "--jsno", "-s"]).stderr).toContain("did you mean --json?");
    expect(hero(["run", "-s", "--timeout", "soon"])).toMatchObject({ code: 2 });
    expect(hero(["run", "-s", "--allow", "git"])).toMatchObject({ code: 2 });
  });

  test("an empty script does nothing and is done", () => {
    expect(hero(["run", "-s"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("a folder is run script by script", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "b.hero"), "const x = 'b'\nprint(x)");
    writeFileSync(join(folder, "c.hero"), "const x = 'c'\nprint(x)");
    writeFileSync(join(folder, "a.md"), "It's prose\n!!play.echo content:a");
    expect(hero(["run", folder]).stdout).toBe("a\nb\nc\n");
  });
});

describe("what comes out", () => {
  test("only the script's own words reach standard output", () => {
    const end = hero(["run", "-s"], { input: 'print("a")\nfail("b")' });
    expect(end).toMatchObject({ code: 1, stdout: "a\n" });
    expect(end.stderr).toContain("<stdin>:2:1: error: b");
    expect(end.stderr).not.toContain("\u001b[");
  });

  test.each([
    ["print('x')", 0],
    ["fail('x')", 1],
    ["print('x'", 3],
    ["!!gti.list", 4],
    ["!!git.list x:1", 5],
  ])("%s ends with %i", (input, code) => {
    expect(hero(["run", "-s"], { input }).code).toBe(code);
  });

  test("the environment can narrow what is allowed further, never widen it", () => {
    const input = "!!play.echo content:x";
    expect(hero(["run", "-s"], { input, env: { HERO_ALLOW: "git.*" } }).code).toBe(6);
    expect(hero(["run", "-s", "--allow", "*"], { input, env: { HERO_ALLOW: "git.*" } }).code).toBe(6);
    expect(hero(["run", "-s", "--allow", "git.*"], { input, env: { HERO_ALLOW: "*" } }).code).toBe(6);
    expect(hero(["run", "-s", "--allow", "play.echo,git.*"], { input }).code).toBe(0);
  });

  test("every line is JSON when asked for", () => {
    const input = 'print("a")\n!!play.echo content:b\nfor (const x of [1]) print(x)';
    const { stdout } = hero(["run", "-s", "--json"], { input });
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([{ print: "a" }, { action: "play.echo", result: "b" }, { print: "1" }]);
  });

  test("a plan names every action and runs none", () => {
    const input = "if (git.list().length) {\n  !!docker.restart name:'a b'\n}\n!!play.echo content:no";
    const { stdout, code } = hero(["run", "-s", "--plan"], { input });
    expect(stdout).toBe(
      [
        "1:5     git.list(…)",
        "2:3     !!docker.restart name:'a b'",
        "4:1     !!play.echo content:no",
        "",
      ].join("\n"),
    );
    expect(code).toBe(0);
    const lines = hero(["run", "-s", "--plan", "--json"], { input }).stdout.trimEnd().split("\n");
    expect(JSON.parse(lines[1] ?? "")).toEqual({
      script: "<stdin>",
      line: 2,
      column: 3,
      action: "docker.restart",
      form: "action",
      params: { name: "a b" },
      args: [],
    });
    expect(hero(["run", "-s", "--plan"], { input: "!!gti.x" }).code).toBe(4);
  });

  test.each(["0.3", "0.001"])(
    "a time limit of %s s holds, also when it is over before the script starts",
    (limit) => {
      const end = hero(["run", "-s", "--timeout", limit], { input: "while (true) {}" });
      expect(end.code).toBe(1);
      expect(end.stderr).toContain("the time limit of the script is reached");
    },
  );
});

describe("the other commands", () => {
  test("check says ok or everything that is wrong", () => {
    const good = file("good.hero", "!!git.list\n!!git.list\n");
    const bad = file("bad.hero", "!!git.lst\n!!git.list fliter:x\n");
    expect(hero(["check", good])).toEqual({ code: 0, stdout: `${good}: ok, 2 actions\n`, stderr: "" });
    const end = hero(["check", bad, good]);
    expect(end.code).toBe(4);
    expect(end.stderr).toContain('did you mean "git.list"?');
    expect(end.stderr).toContain('did you mean "filter"?');
    const lines = hero(["check", "--json", bad]).stdout.trimEnd().split("\n");
    expect(JSON.parse(lines[1] ?? "")).toMatchObject({
      script: bad,
      code: "bad-parameter",
      line: 2,
      column: 12,
    });
  });

  test("fmt prints, rewrites and compares", () => {
    const path = file("a.hero", "// c\n!!git.list filter:'x'\n  name:y //note\nprint( 1 )");
    const formatted = "// c\n!!git.list\n    filter:x\n    name:y // note\nprint( 1 )\n";
    expect(hero(["fmt", path])).toEqual({ code: 0, stdout: formatted, stderr: "" });
    expect(hero(["fmt", "--check", path])).toMatchObject({ code: 1, stdout: `${path}\n` });
    expect(hero(["fmt", "-w", path])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(readFileSync(path, "utf8")).toBe(formatted);
    expect(hero(["fmt", "--check", path]).code).toBe(0);
    const broken = file("b.hero", "!!a.b x=1");
    expect(hero(["fmt", "-w", broken]).code).toBe(3);
    expect(readFileSync(broken, "utf8")).toBe("!!a.b x=1");
  });

  test("parse answers in the schema of the conformance cases", () => {
    const decided = new Set(deviations.map(({ id }) => id));
    for (const one of cases.filter(({ id }) => !decided.has(id)).slice(0, 12)) {
      const gets = (one.conversions ?? []).flatMap(({ key, kind }) => ["--get", `${key}:${kind}`]);
      const { stdout, code } = hero(["parse", "-", "--json", ...gets], { input: one.input });
      const answer = JSON.parse(stdout) as object;
      const wanted = one.conversions === undefined ? {} : { conversions: one.conversions };
      expect(answer).toEqual({ ...one.expect, ...wanted });
      expect(code).toBe(one.expect.error === undefined ? 0 : 3);
    }
    expect(hero(["parse", "-", "--get", "x:nit"]).stderr).toContain("did you mean");
    expect(hero(["parse", "-", "--get", "x:int"], { input: "!!a.b x:5" })).toMatchObject({
      stdout: "5\n",
      code: 0,
    });
    expect(hero(["parse", "-", "--get", "x:int"], { input: "!!a.b x:y" })).toMatchObject({
      stdout: "",
      code: 5,
    });
  });

  test("actors explains what there is", () => {
    expect(hero(["actors"]).stdout).toContain("  git.clone ");
    expect(hero(["actors", "docker.stop"]).stdout).toContain("timeout");
    expect(hero(["actors", "gitt"])).toMatchObject({ code: 2 });
    expect(hero(["actors", "git.clon"]).stderr).toContain('did you mean "git.clone"?');
    expect(JSON.parse(hero(["actors", "git", "--json"]).stdout)).toMatchObject([{ name: "git" }]);
  });

  test("docs/actors.md is what the definitions say", () => {
    expect(readFileSync(join(repository, "docs/actors.md"), "utf8")).toBe(
      hero(["actors", "--markdown"]).stdout,
    );
  });

  test("help is on standard output, a wrong command is not", () => {
    for (const args of [
      ["--help"],
      ["help"],
      ["run", "--help"],
      ["help", "run"],
      ["run", "-h"],
      ["fmt", "-h"],
    ]) {
      const { code, stdout, stderr } = hero(args);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("hero");
    }
    expect(hero([])).toMatchObject({ code: 2, stdout: "" });
    expect(hero(["rnu"]).stderr).toContain('did you mean "hero run"?');
    expect(hero(["--version"]).stdout).toMatch(/^hero \d+\.\d+\.\d+( \([0-9a-f]{7}\))?\n$/);
  });
});

describe("a full disk", () => {
  test.each([['print("x")'], ['let a = "x"\nprint(a)'], ["!!play.echo content:x"]])(
    "below standard output is said in a sentence: %j",
    (script) => {
      const full = openSync("/dev/full", "w");
      const end = hero(["run", "-s", script], { stdout: full });
      closeSync(full);
      expect(end.stderr).toMatch(/^hero: standard output cannot be written: ENOSPC[^\n]*\n$/);
      expect(end.code).toBe(1);
    },
  );

  test("below standard output cannot be caught, and nothing is done after it", () => {
    const after = join(temporaryFolder(), "after");
    const script = `for (let i = 0; i < 3; i++) try { print(i) } catch {}\n!!core.coderoot_set coderoot:'${after}'`;
    for (const text of [script, "try { print(1) } catch {}"]) {
      const full = openSync("/dev/full", "w");
      const end = hero(["run", "-s", text], { stdout: full });
      closeSync(full);
      expect(end.stderr).toMatch(/^hero: standard output cannot be written: ENOSPC[^\n]*\n$/);
      expect(end.code).toBe(1);
    }
    expect(existsSync(after)).toBe(false);
  });

  test("below standard error leaves the exit code as it is", () => {
    const full = openSync("/dev/full", "w");
    const end = hero(["run", "-s", "!!nowhere.x"], { stderr: full });
    closeSync(full);
    expect(end.code).toBe(4);
  });
});

describe("hero fmt and other encodings", () => {
  test("a file that is not UTF-8 is left alone", () => {
    const path = join(temporaryFolder(), "latin.hero");
    const bytes = Buffer.from("!!play.echo   content:'caf\u00e9'\n", "latin1");
    writeFileSync(path, bytes);
    for (const args of [
      ["fmt", path],
      ["fmt", "-w", path],
      ["fmt", "--check", path],
    ]) {
      const end = hero(args);
      expect(end).toMatchObject({ code: 2, stdout: "" });
      expect(end.stderr).toContain("is not in UTF-8");
    }
    expect(readFileSync(path)).toEqual(bytes);
  });

  test("standard input that is not UTF-8 is refused", () => {
    const end = hero(["fmt", "-"], { input: Buffer.from("!!play.echo content:'caf\u00e9'\n", "latin1") });
    expect(end).toMatchObject({ code: 2, stdout: "" });
    expect(end.stderr).toContain("<stdin> is not in UTF-8");
  });

  test("a named pipe is read once", () => {
    const pipe = join(temporaryFolder(), "pipe.hero");
    execFileSync("mkfifo", [pipe]);
    const writer = spawn("sh", ["-c", 'echo "!!play.echo   content:x" > "$0"', pipe], { stdio: "ignore" });
    onTestFinished(() => void writer.kill());
    const end = hero(["fmt", pipe], { timeoutMs: 20_000 });
    expect(end).toEqual({ code: 0, stdout: "!!play.echo content:x\n", stderr: "" });
  });
});
