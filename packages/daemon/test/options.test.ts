import { describe, expect, expectTypeOf, test } from "vitest";
import { defineCommand, defineProgram, load, type Address } from "../src/index.ts";
import { loadSample, problemsOf, serveConfig } from "./support/sample-program.ts";

describe("where a value comes from", () => {
  test("flags go before environment, environment before file, file before default", async () => {
    const files = { "/c.toml": 'concurrency = 4\ngrace = "1m"\ninvoke = "file"\n' };
    const env = { SAMPLE_CONFIG: "/c.toml", SAMPLE_GRACE: "7", SAMPLE_INVOKE: "script" };
    const { config, sources } = await serveConfig(["r1", "--invoke", "stdin"], { env, files });
    expect(config).toMatchObject({ invoke: "stdin", graceMs: 7000, concurrency: 4, maxOutputBytes: 2 ** 30 });
    expect(sources).toMatchObject({
      invoke: { kind: "flag", name: "--invoke" },
      graceMs: { kind: "env", name: "SAMPLE_GRACE" },
      concurrency: { kind: "file", name: "/c.toml" },
      maxOutputBytes: { kind: "default", name: "" },
      runnerId: { kind: "argument", name: "runner_id" },
    });
  });

  test("a flag equal to the default still hides the environment", async () => {
    const { config } = await serveConfig(["r1", "-c", "1"], { env: { SAMPLE_CONCURRENCY: "9" } });
    expect(config.concurrency).toBe(1);
  });

  test("the file is read only when it is named", async () => {
    const files = { "sample.toml": "concurrency = 9", "/etc/sample.toml": "concurrency = 9" };
    expect((await serveConfig(["r1"], { files })).config.concurrency).toBe(1);
  });

  test("an empty variable counts as not set, an empty flag is a mistake", async () => {
    expect((await serveConfig(["r1"], { env: { SAMPLE_TRUST: "" } })).config.trust).toBeUndefined();
    expect((await problemsOf(["r1", "--trust", ""])).problems).toEqual([
      { where: "--trust", what: '"" is not accepted', next: "Give a FILE." },
    ]);
  });

  test("RUST_LOG sets the level only when our own variable does not", async () => {
    expect((await serveConfig(["r1"], { env: { RUST_LOG: "sample=debug,info" } })).config.logLevel).toBe(
      "DEBUG",
    );
    const both = { RUST_LOG: "debug", SAMPLE_LOG_LEVEL: "error" };
    expect((await serveConfig(["r1"], { env: both })).config.logLevel).toBe("ERROR");
  });

  test("the configuration cannot be changed afterwards", async () => {
    const { config } = await serveConfig(["r1", "--env-pass", "A"]);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.envPass)).toBe(true);
  });

  test("its type follows from the table", async () => {
    const { config } = await serveConfig(["r1"]);
    expectTypeOf(config.runnerId).toEqualTypeOf<string>();
    expectTypeOf(config.redisUrl).toEqualTypeOf<string>();
    expectTypeOf(config.trust).toEqualTypeOf<string | undefined>();
    expectTypeOf(config.invoke).toEqualTypeOf<"stdin" | "script" | "file">();
    expectTypeOf(config.graceMs).toEqualTypeOf<number>();
    expectTypeOf(config.envPass).toEqualTypeOf<readonly string[]>();
    expectTypeOf(config.listen).toEqualTypeOf<Address | undefined>();
    expectTypeOf(config.burst).toEqualTypeOf<boolean>();
  });
});

describe("the command line", () => {
  test.each([
    [["--redis-url", "redis://h:1", "12001"]],
    [["12001", "--redis-url", "redis://h:1"]],
    [["-r", "redis://h:1", "12001"]],
    [["12001", "-rredis://h:1"]],
    [["--redis-url=redis://h:1", "--", "12001"]],
  ])("%j names the runner and its Redis", async (argv) => {
    expect((await serveConfig(argv)).config).toMatchObject({ redisUrl: "redis://h:1", runnerId: "12001" });
  });

  test("a switch is turned on by its name and off by no-", async () => {
    const env = { SAMPLE_BURST: "yes" };
    expect((await serveConfig(["r1", "--burst"])).config.burst).toBe(true);
    expect((await serveConfig(["r1", "-b"])).config.burst).toBe(true);
    expect((await serveConfig(["r1"], { env })).config.burst).toBe(true);
    expect((await serveConfig(["r1", "--no-burst"], { env })).config.burst).toBe(false);
    expect((await serveConfig(["r1", "--burst=off"], { env })).config.burst).toBe(false);
  });

  test("a list repeats, takes commas, and can be emptied", async () => {
    const env = { SAMPLE_ENV_PASS: "X" };
    const { config } = await serveConfig(["r1", "--env-pass", "A, B", "--env-pass=C"], { env });
    expect(config.envPass).toEqual(["A", "B", "C"]);
    expect((await serveConfig(["r1", "--env-pass="], { env })).config.envPass).toEqual([]);
  });

  test("the last of two equal flags counts", async () => {
    expect((await serveConfig(["r1", "-c", "2", "--concurrency", "3"])).config.concurrency).toBe(3);
  });

  test("a forgotten value does not swallow the next flag", async () => {
    const { problems } = await problemsOf(["r1", "--trust", "--burst"]);
    expect(problems).toEqual([
      {
        where: "--trust",
        what: 'needs a value and is followed by "--burst"',
        next: "If that is meant as the value, write --trust=VALUE.",
      },
    ]);
    expect((await problemsOf(["r1", "--trust"])).problems[0]?.what).toBe("needs a value");
    expect((await serveConfig(["r1", "--trust=--burst"])).config.trust).toBe("--burst");
    expect((await serveConfig(["r1", "--trust", "-"])).config.trust).toBe("-");
  });

  test("a word too many is named", async () => {
    expect((await problemsOf(["r1", "r2"])).text).toContain('"r2": is one word too many.');
  });
});

describe("commands", () => {
  test("the first word names the command when there is one of that name", async () => {
    const loaded = await loadSample(["--json", "verify", "a.json", "b.json"]);
    expect(loaded).toMatchObject({ command: "verify", config: { json: true, files: ["a.json", "b.json"] } });
  });

  test("after -- a word is never a command", async () => {
    expect((await serveConfig(["--", "doctor"])).config.runnerId).toBe("doctor");
  });

  test("the main command has no name of its own", async () => {
    expect((await serveConfig(["serve"])).config.runnerId).toBe("serve");
  });

  test("a flag of another command is refused, its file key is not", async () => {
    expect((await problemsOf(["r1", "--json"])).problems[0]?.what).toBe("is an option of another command");
    const files = { "/c.toml": "json = true\nconcurrency = 2\n" };
    expect(await loadSample(["doctor", "--config", "/c.toml"], { files })).toMatchObject({
      command: "doctor",
    });
  });

  test("a program without a main command asks for one, and guesses a misspelt one", async () => {
    const list = defineCommand({ summary: "lists", positionals: {}, options: {} });
    const program = defineProgram({
      name: "p",
      version: "1",
      summary: "s",
      envPrefix: "P_",
      commands: { list },
    });
    const run = (argv: string[]) => load({ program, argv, env: {}, readFile: () => "" });
    expect(await run([])).toMatchObject({
      text: expect.stringContaining("p: needs a command. Commands: list."),
    });
    expect(await run(["lits"])).toMatchObject({ text: expect.stringContaining("Did you mean list?") });
    expect(await run(["list"])).toMatchObject({ kind: "command", command: "list" });
    expect(await run(["--help"])).toMatchObject({ text: expect.stringContaining("p list [options]") });
  });

  test("tables that contradict each other are found at the first start", async () => {
    const run = (options: Parameters<typeof defineCommand>[0]["options"]) => {
      const command = defineCommand({ summary: "", positionals: {}, options });
      const program = defineProgram({
        name: "p",
        version: "1",
        summary: "s",
        envPrefix: "P_",
        commands: { command },
      });
      return load({ program, argv: ["command"], env: {}, readFile: () => "" });
    };
    const json = { flag: "json", short: "j", kind: "boolean", description: "" } as const;
    await expect(run({ a: json, b: { ...json, flag: "other" } })).rejects.toThrow(
      "-j means both json and other",
    );
    await expect(run({ a: json, b: { ...json } })).rejects.toThrow("two options share a flag");
    await expect(run({ a: { ...json, flag: "help", kind: "string" } })).rejects.toThrow("--help means both");
    await expect(run({ a: { ...json, flag: "Bad_Name" } })).rejects.toThrow("is no flag name");
    await expect(run({ a: { ...json, kind: "integer", default: 0, min: 1 } })).rejects.toThrow(
      "default of --json",
    );
  });
});

describe("mistakes", () => {
  test("all are reported at once, each with a next step", async () => {
    const files = { "/c.toml": 'redis_url = "x"\nmax-output = true\nburst = "yes"\n[tls]\nca = "x"\n' };
    const env = { SAMPLE_CONFIG: "/c.toml", SAMPLE_TRSUT: "/t.json", SAMPLE_GRACE: "soon" };
    const { text } = await problemsOf(["--concurency=3", "-c", "0", "--invoke", "pipe", "-x"], {
      env,
      files,
    });
    expect(text).toBe(
      [
        "sample: 10 problems, nothing was started",
        "  --concurency: there is no such option. Did you mean --concurrency?",
        "  -x: there is no such option. Run sample --help for the list.",
        '  "redis_url" in /c.toml: there is no such option. Did you mean redis-url?',
        '  "max-output" in /c.toml: is the boolean true. Write a number of bytes, or "16M" in quotes.',
        '  "burst" in /c.toml: is text. Write true or false, without quotes.',
        '  "tls" in /c.toml: there is no such option. See sample --help.',
        "  SAMPLE_TRSUT: there is no such setting. Did you mean SAMPLE_TRUST?",
        '  -c: "0" is out of range. Give a whole number from 1 to 64.',
        '  --invoke: "pipe" is not accepted. Give one of stdin, script, file.',
        '  SAMPLE_GRACE: "soon" is not accepted. Give a number of seconds from 0 to 3600, or with a unit as in 500ms, 30s, 5m, 2h.',
        "",
      ].join("\n"),
    );
  });

  test("rules across options are asked when each option is right", async () => {
    expect((await problemsOf(["r1", "--burst", "--listen", "9100"])).problems[0]?.where).toBe("--burst");
    const { problems } = await problemsOf(["r1", "--burst", "--listen", "here"]);
    expect(problems.map(({ where }) => where)).toEqual(["--listen"]);
  });

  test("foreign variables with our prefix are ignored aloud", async () => {
    const { warnings } = await serveConfig(["r1"], { env: { SAMPLE_PORT_6379_TCP_ADDR: "10.0.0.1" } });
    const sentence = "environment variable SAMPLE_PORT_6379_TCP_ADDR is not known and was ignored";
    expect(warnings).toEqual([sentence]);
    const printed = await loadSample(["r1", "--print-config"], {
      env: { SAMPLE_PORT_6379_TCP_ADDR: "10.0.0.1" },
    });
    expect(printed).toMatchObject({ text: expect.stringContaining(`\n# warning: ${sentence}\n`) });
  });

  test("a file that cannot be read or is no TOML is named, without its content", async () => {
    expect((await problemsOf(["r1", "--config", "/none"])).text).toContain("/none: cannot be read (ENOENT)");
    const files = { "/c.toml": 'admin-secret = "hunter2\n' };
    const { text } = await problemsOf(["r1", "--config", "/c.toml"], { files });
    expect(text).toContain("/c.toml: line 1, column");
    expect(text).not.toContain("hunter2");
  });

  test("names from the language's own dark corners are just unknown", async () => {
    const files = { "/c.toml": "__proto__ = 1\nconstructor = 2\n" };
    const env = { SAMPLE_CONFIG: "/c.toml", SAMPLE___PROTO__: "x" };
    const { problems } = await problemsOf(["r1", "--__proto__", "--constructor=1", "--toString"], {
      env,
      files,
    });
    expect(problems.map(({ where }) => where)).toEqual([
      "--__proto__",
      "--constructor",
      "--toString",
      '"__proto__" in /c.toml',
      '"constructor" in /c.toml',
    ]);
  });
});

describe("secrets", () => {
  test("are read from a file, its line end cut off", async () => {
    const files = { "/s": "hunter2\r\n", "/u": "redis://:pw@h:1\n" };
    const { config, sources, warnings } = await serveConfig(["r1", "--admin-secret-file", "/s"], {
      env: { SAMPLE_REDIS_URL_FILE: "/u" },
      files,
    });
    expect(config).toMatchObject({ secret: "hunter2", redisUrl: "redis://:pw@h:1" });
    expect(sources).toMatchObject({
      secret: { name: "--admin-secret-file" },
      redisUrl: { name: "SAMPLE_REDIS_URL_FILE" },
    });
    expect(warnings).toEqual([]);
  });

  test("on the command line they are accepted with a warning that does not repeat them", async () => {
    const { warnings } = await serveConfig(["r1", "--admin-secret", "hunter2", "-r", "redis://u:pw@h:1"]);
    expect(warnings).toEqual([
      "-r holds a secret that every user of this host can read; use SAMPLE_REDIS_URL or --redis-url-file",
      "--admin-secret holds a secret that every user of this host can read; use SAMPLE_ADMIN_SECRET or --admin-secret-file",
    ]);
  });

  test("given twice in one place they are a contradiction", async () => {
    const { problems } = await problemsOf(["r1", "--admin-secret", "a", "--admin-secret-file", "/s"], {
      files: { "/s": "b" },
    });
    expect(problems).toEqual([
      {
        where: "--admin-secret-file",
        what: "says the same thing as --admin-secret",
        next: "Give only one of the two.",
      },
    ]);
  });

  test("appear in no message, no print-out and no help", async () => {
    const files = {
      "/empty": "\n",
      "/c.toml": 'admin-secret = "hunter2"\nredis-url = "redis://:hunter2@h"\n',
    };
    const bad = await problemsOf(["r1", "--admin-secret-file", "/empty", "-r", "http://u:hunter2@h"], {
      files,
    });
    expect(bad.text).toContain("the value (not shown) is not accepted");
    expect(bad.text).toContain('"http://u:***@h" must start with redis://');
    const printed = await loadSample(["--print-config", "--config", "/c.toml"], { files });
    expect(printed).toMatchObject({ text: expect.stringContaining('redis-url = "redis://:***@h"') });
    expect(JSON.stringify([bad, printed])).not.toContain("hunter2");
  });
});

describe("what people read", () => {
  test("--print-config shows each value with its source, as a file that can be read back", async () => {
    const files = { "/c.toml": "concurrency = 4\n" };
    const argv = [
      "--print-config",
      "--config",
      "/c.toml",
      "--grace",
      "90s",
      "--env-pass",
      "A,B",
      "--listen",
      "[::1]:9100",
    ];
    const loaded = await loadSample(argv, { env: { SAMPLE_BURST: "1" }, files });
    expect(loaded).toEqual({
      kind: "text",
      text: [
        "# <runner_id> is not set",
        'redis-url = "redis://localhost:6379"  # default',
        "concurrency = 4                       # file /c.toml",
        'invoke = "stdin"                      # default',
        "grace = 90                            # flag --grace",
        'max-output = "1G"                     # default',
        'env-pass = ["A", "B"]                 # flag --env-pass',
        "# trust is not set",
        'listen = "[::1]:9100"                 # flag --listen',
        "burst = true                          # env SAMPLE_BURST",
        "# admin-secret is not set",
        'log-level = "INFO"                    # default',
        'log-format = "text"                   # default',
        "",
      ].join("\n"),
    });
  });

  test("--help wins over every mistake and fits the terminal", async () => {
    const loaded = await loadSample(["--nonsense", "--help"]);
    const text = loaded.kind === "text" ? loaded.text : "";
    expect(text).toContain("sample [options] <runner_id>\n  sample verify [options] <JOB.json>...\n");
    expect(text).toContain(
      "  -r, --redis-url URL         Redis to take jobs from [default: redis://localhost:6379]\n",
    );
    expect(text).toContain("[also: RUST_LOG]");
    expect(text.split("\n").filter((line) => line.length > 100)).toEqual([]);
  });

  test("a command has help of its own", async () => {
    const loaded = await loadSample(["verify", "-h"]);
    expect(loaded).toMatchObject({
      text: expect.stringContaining("sample verify: checks the signatures of job files"),
    });
    expect(loaded).toMatchObject({ text: expect.not.stringContaining("--concurrency") });
  });

  test("--version prints name and version", async () => {
    expect(await loadSample(["-V"])).toEqual({ kind: "text", text: "sample 1.2.3\n" });
  });
});

describe("kinds", () => {
  test.each([
    ["--grace", "0.5", "graceMs", 500],
    ["--grace", "250ms", "graceMs", 250],
    ["--grace", "1h", "graceMs", 3_600_000],
    ["--max-output", "512k", "maxOutputBytes", 524_288],
    ["--max-output", "123", "maxOutputBytes", 123],
    ["--invoke", "FILE", "invoke", "file"],
    ["--listen", "9100", "listen", { host: "127.0.0.1", port: 9100 }],
    ["--listen", "0.0.0.0:0", "listen", { host: "0.0.0.0", port: 0 }],
    ["--listen", "[::1]:80", "listen", { host: "::1", port: 80 }],
  ])("%s %s is understood", async (flag, text, key, value) => {
    const { config } = await serveConfig(["r1", flag, text]);
    expect(new Map(Object.entries(config)).get(key)).toEqual(value);
  });

  test.each([
    ["--grace", "2h"],
    ["--grace", "-1"],
    ["--grace", "1e3"],
    ["--grace", "0x10"],
    ["--concurrency", "1.0"],
    ["--concurrency", "99999999999999999999"],
    ["--max-output", "1T"],
    ["--max-output", "1.5G"],
    ["--listen", "::1:80"],
    ["--listen", "host:65536"],
    ["--listen", "user@host:1"],
    ["--burst=maybe", ""],
  ])("%s %s is refused", async (flag, text) => {
    expect((await problemsOf(["r1", flag, ...(text === "" ? [] : [text])])).problems).toHaveLength(1);
  });
});
