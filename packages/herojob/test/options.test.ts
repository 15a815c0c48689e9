/** The option tables: what is refused before anything is sent, and with which next step. No process, no Redis. */
import { readFileSync } from "node:fs";
import { load } from "@herorunner/daemon";
import { clientFields } from "@herorunner/job";
import { describe, expect, test } from "vitest";
import { exitCodes } from "../src/exit-codes.ts";
import { program } from "../src/options.ts";

const read = (argv: readonly string[], env: Record<string, string> = {}) =>
  load({
    program,
    argv,
    env,
    readFile: (path) => (path === "key" ? "geheim\n" : Promise.reject(new Error(path))),
  });

describe("a mistake is answered with the next step", () => {
  const cases: [string, readonly string[], string][] = [
    ["no command", [], "Commands: submit, status"],
    ["two scripts", ["submit", "x.hero", "-e", "print"], "a file and -e were both given"],
    ["a variable without =", ["submit", "-e", "x", "--env", "FOO"], '"FOO" is not NAME=VALUE'],
    ["a variable with a bad name", ["submit", "-e", "x", "--env", "1A=x"], "is not NAME=VALUE"],
    [
      "a timeout out of range",
      ["submit", "-e", "x", "--timeout", "0"],
      "Give a number of seconds from 1 to 604800",
    ],
    ["half a second", ["submit", "-e", "x", "--timeout", "1.5"], "Give whole seconds."],
    [
      "half a second of validity",
      ["sign", "j.json", "--key", "k", "--expires-in", "1.5"],
      "Give whole seconds.",
    ],
    ["a bad id", ["submit", "-e", "x", "--id", "a/b"], "must match"],
    ["a limit on no wait", ["submit", "-e", "x", "--wait-timeout", "5"], "Add --wait or --follow."],
    [
      "output as it comes as one value",
      ["submit", "-e", "x", "--follow", "--json"],
      "herojob logs -f --json",
    ],
    ["a misspelt command", ["sumbit"], "Did you mean submit?"],
    ["a misspelt flag", ["submit", "--runer", "x"], "Did you mean --runner?"],
    ["a reason that is none", ["list", "--reason", "bored"], "malformed"],
    ["a key without a name", ["keygen", "--out", "f"], "Say whose key it is: --name alice."],
    ["a key without a file", ["keygen", "--name", "a"], "Say where to store it: --out alice.key."],
    ["signing without a key", ["sign", "job.json"], "herojob keygen makes one."],
    ["checking against nothing", ["verify", "job.json"], "Name the trust file: --trust FILE."],
    ["a receipt and what", ["receipt", "frame", "42"], "is neither get nor verify"],
    ["a shell that nobody has", ["completion", "tcsh"], "is not a shell that is known here"],
    [
      "a supervisor that is no URL",
      ["status", "1", "--supervisor", "localhost"],
      "must start with http:// or https://",
    ],
    ["a Redis URL that is none", ["status", "1", "-r", "localhost"], "the Redis URL must start with"],
  ];
  test.each(cases)("%s", async (_name, argv, sentence) => {
    const loaded = await read(argv);
    expect(loaded).toMatchObject({ kind: "problems" });
    if (loaded.kind === "problems") {
      expect(
        loaded.problems.map(({ where, what, next }) => `${where}: ${what}. ${next}`).join("\n"),
      ).toContain(sentence);
    }
  });
});

test("variables keep their commas, spaces and equal signs, and the flag repeats", async () => {
  const loaded = await read(["submit", "-e", "x", "--env", "A=1, 2=3", "--env", "B="]);
  expect(loaded).toMatchObject({ kind: "command", config: { env: ["A=1, 2=3", "B="] } });
});

test("what one wants everywhere can live in the environment", async () => {
  const env = { HEROJOB_REDIS_URL: "redis://queue:6380", HEROJOB_RUNNER: "web-1", HEROJOB_KEY: "alice.key" };
  const loaded = await read(["submit", "-e", "x"], env);
  expect(loaded).toMatchObject({
    config: { redisUrl: "redis://queue:6380", runner: "web-1", key: "alice.key" },
  });
});

test("an API key comes from a file, or with a warning from the command line", async () => {
  const around = ["status", "1", "--supervisor", "http://127.0.0.1:8082"];
  expect(await read([...around, "--api-key-file", "key"])).toMatchObject({
    config: { apiKey: "geheim" },
    warnings: [],
  });
  const loaded = await read([...around, "--api-key", "geheim"]);
  const warnings = loaded.kind === "command" ? loaded.warnings : [];
  expect(warnings).toHaveLength(1);
  expect(warnings.join()).not.toContain("geheim");
});

test("a lone dash is standard input, and -e takes a script that starts with a dash when it is glued on", async () => {
  expect(await read(["submit", "-"])).toMatchObject({ config: { file: "-" } });
  expect(await read(["submit", "--eval=-x"])).toMatchObject({ config: { eval: "-x" } });
});

test("every command has help with a line for each of its options", async () => {
  for (const [name, { options, summary }] of Object.entries(program.commands)) {
    const loaded = await read([name, "--help"]);
    const text = loaded.kind === "text" ? loaded.text : "";
    expect(text).toContain(summary);
    const missing = Object.values(options).filter(({ flag }) => !text.includes(`--${flag}`));
    expect(missing).toEqual([]);
  }
});

test("every field that a submitter may set has a way onto the command line, or is a job file's", () => {
  const flags: ReadonlySet<string> = new Set(
    Object.values(program.commands.submit.options).map(({ flag }) => flag),
  );
  const names: Record<string, string> = {
    caller_id: "caller",
    context_id: "context",
    env_vars: "env",
    payload: "eval",
  };
  const missing = clientFields.filter((field) => !flags.has(names[field] ?? field.replaceAll("_", "-")));
  expect(missing).toEqual(["executor", "trace", "created_at", "expires_at", "nonce", "signatures"]);
});

test("exit codes are a contract", () => {
  expect(exitCodes).toEqual({
    ...{ done: 0, failed: 1, usage: 2, unavailable: 3, notFound: 4, conflict: 5, bug: 70 },
    ...{ timeout: 124, interrupted: 130 },
  });
});

test("the page about submitting has every exit code and every command", () => {
  const page = readFileSync(new URL("../../../docs/submitting.md", import.meta.url), "utf8");
  const codes = [...page.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  expect(codes.filter((code) => code !== 141)).toEqual(Object.values(exitCodes));
  const missing = Object.keys(program.commands).filter((name) => !page.includes(`herojob ${name}`));
  expect(missing).toEqual([]);
});
