import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeProgram } from "../src/run/program.ts";
import { runScript } from "./support/run-script.ts";

const literal = fc
  .array(
    fc.constantFrom(
      "a",
      " ",
      "é",
      "💥",
      "\\n",
      "\\t",
      "\\\\",
      '\\"',
      "\\'",
      "${x}",
      "//",
      "{",
      "`",
      "\u2028",
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));
const line = fc.oneof(
  literal.map((text) => `print("${text.replaceAll("\\'", "'")}")`),
  literal.map((text) => `  print( '${text.replaceAll('\\"', '"')}' ) ;`),
  fc.constantFrom(
    "print(env.A)",
    "print(env.toString)",
    "print(env.__proto__)",
    "print(env.MISSING)  // note",
    "// comment",
    "# hash",
    "",
    "!!play.echo content:'x y'",
    "!!play.echo\n    content:'{v} \\${A}'",
    "!!session.env_set key:v val:set",
    "!!osal.env_set key:A value:changed",
    "!!play.echo nothing:1",
    "!!session.env_set_once key:v val:again",
    "!!osal.env_set key:PATH value:x",
  ),
);

describe("the way without an engine", () => {
  test("takes scripts of actions, comments and plain prints", () => {
    const direct = (text: string) =>
      makeProgram({ name: "x", text, folder: "/", prose: false }).steps !== undefined;
    expect(direct("print('a')\n!!git.list\n// c\nprint(env.X)")).toBe(true);
    for (const text of [
      "print('a' + 1)",
      "print(`a`)",
      "print('\\x41')",
      "!!a.b x:'${1}'",
      "print('a') print('b')",
    ]) {
      expect([text, direct(text)]).toEqual([text, false]);
    }
  });

  test("does exactly what the engine does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 6 }), async (lines) => {
        const text = lines.join("\n");
        const given = { env: { A: "a" } };
        const direct = await runScript(text, given);
        const engine = await runScript(text, { ...given, alwaysEngine: true });
        expect(direct).toEqual(engine);
      }),
      { numRuns: 60 },
    );
  });
});
