import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hero, temporaryFolder } from "./support/hero.ts";

function actors(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const greeter = `export const actor = {
  name: "greeter",
  doc: "Greets.",
  actions: {
    hello: {
      doc: "Says hello.",
      params: { name: { kind: "string", required: true, doc: "whom" }, loud: { kind: "bool", default: false, doc: "!" } },
      run({ name, loud }, context) {
        return { text: loud ? name.toUpperCase() : name, folder: context.folder };
      },
      print: ({ text }) => "hello " + text,
    },
    later: { doc: "Promises.", params: {}, run: async () => 1 },
    broken: { doc: "Throws.", params: {}, run() { throw new Error("out of paper"); } },
    output: { doc: "Runs a program.", params: {}, run: (_, context) => context.exec("echo", ["a b", "$HOME"]).stdout.trim() },
  },
};`;

function run(script: string, folder: string) {
  return hero(["run", "-s", "--actors", folder], { input: script });
}

describe("actors of one's own", () => {
  test("act like the built-in ones: in the script, as calls, checked and explained", () => {
    const folder = actors({ "greeter.mjs": greeter });
    const script =
      "!!greeter.hello name:world\n!!greeter.hello name:you loud:true\nprint(greeter.hello({name: 'x'}).text)";
    expect(run(script, folder)).toEqual({ code: 0, stdout: "hello world\nhello YOU\nx\n", stderr: "" });
    expect(run("!!greeter.helo name:x", folder).stderr).toContain('did you mean "greeter.hello"?');
    expect(run("!!greeter.hello nme:x", folder).stderr).toContain('did you mean "name"?');
    expect(run("!!greeter.output", folder).stdout).toBe("a b $HOME\n");
    expect(hero(["actors", "greeter", "--actors", folder]).stdout).toContain("Says hello.");
    expect(hero(["check", "-", "--actors", folder], { input: "!!greeter.hello" }).code).toBe(5);
  });

  test("their mistakes are errors of the action, with its place", () => {
    const folder = actors({ "greeter.mjs": greeter });
    expect(run("\n!!greeter.broken", folder)).toMatchObject({ code: 1 });
    expect(run("\n!!greeter.broken", folder).stderr).toContain(
      "2:1: error: greeter.broken failed: out of paper",
    );
    expect(run("!!greeter.later", folder).stderr).toContain("the action returned a promise");
  });

  test("one that never finishes loading, or ends the process, is no success", () => {
    const waiting = actors({ "waiting.mjs": `await new Promise(() => {});\n${greeter}` });
    const quitting = actors({
      "greeter.mjs": greeter.replace('throw new Error("out of paper")', "process.exit(0)"),
    });
    for (const [script, folder] of [
      ["print(1)", waiting],
      ["!!greeter.broken", quitting],
      ["let a = 1\ngreeter.broken()", quitting],
    ] as const) {
      const end = run(script, folder);
      expect(end).toMatchObject({ code: 1, stdout: "" });
      expect(end.stderr).toContain("hero: ended before it was done: an own actor");
    }
  });

  test("an error that a check throws is what it has to say", () => {
    const checked = greeter.replace(
      "params: {}, run() {",
      'params: {}, check() { throw new Error("no ink") }, run() {',
    );
    const folder = actors({ "greeter.mjs": checked });
    expect(run("!!greeter.broken", folder)).toMatchObject({ code: 5 });
    expect(run("!!greeter.broken", folder).stderr).toContain("1:1: error: greeter.broken: no ink");
    expect(run("let a = 1\ngreeter.broken()", folder).stderr).toContain("2:1: error: greeter.broken: no ink");
  });

  test("at the time limit a program is ended with all it has started", () => {
    const slow = greeter.replace(
      'context.exec("echo", ["a b", "$HOME"]).stdout.trim()',
      'context.stream("sh", ["-c", "(sleep 30; echo left) & wait; true"])',
    );
    const folder = actors({ "greeter.mjs": slow });
    // What is left holds our output open until it has written.
    const end = hero(["run", "-s", "!!greeter.output", "--timeout", "0.3", "--actors", folder]);
    expect(end.stdout).toBe("");
    expect(end.stderr).toContain("sh was stopped at the time limit of the script");
    expect(end.code).toBe(1);
  });

  test.each([
    ["no export", "export const a = 1", "exports no definition"],
    ["a bad name", 'export default { name: "A b", doc: "", actions: {} }', "needs a name"],
    ["no actions", 'export default { name: "a", doc: "", actions: {} }', "needs actions"],
    [
      "no run",
      'export default { name: "a", doc: "", actions: { b: { doc: "", params: {} } } }',
      "needs a run function",
    ],
    [
      "a bad kind",
      'export default { name: "a", doc: "", actions: { b: { doc: "", params: { c: { kind: "x", doc: "" } }, run() {} } } }',
      "needs a kind",
    ],
    [
      "the name of a built-in one",
      'export default { name: "git", doc: "", actions: { b: { doc: "", params: {}, run() {} } } }',
      "built-in",
    ],
    ["a syntax error", "export default {", "cannot be loaded"],
  ])("a file with %s is refused with a sentence", (_, text, message) => {
    const end = run("print(1)", actors({ "a.mjs": text }));
    expect(end).toMatchObject({ code: 2, stdout: "" });
    expect(end.stderr).toContain(message);
    expect(end.stderr).not.toContain("    at ");
  });

  test("a folder without actors, or none at all, is a mistake", () => {
    expect(run("print(1)", actors({ "readme.txt": "" })).stderr).toContain("holds no actor");
    expect(run("print(1)", "/nowhere/at/all").code).toBe(2);
  });
});
