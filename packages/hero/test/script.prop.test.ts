import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Action } from "../src/script/ast.ts";
import { formatDiagnostic } from "../src/script/diagnostics.ts";
import { formatScript } from "../src/script/format.ts";
import { listActions } from "../src/script/list.ts";
import { parseScript } from "../src/script/parse.ts";
import { printActions } from "../src/script/print.ts";
import { cases } from "./support/cases.ts";
import { repository } from "./support/hero.ts";

const examples = readdirSync(join(repository, "examples"))
  .filter((name) => name.endsWith(".hero"))
  .map((name) => readFileSync(join(repository, "examples", name), "utf8"));
const seeds = [...cases.map((one) => one.input), ...examples];

/** What an action means, without places. */
function meaning(actions: readonly Action[]) {
  return actions.map(({ actor, name, bangs, comment, params, args }) => ({
    actor,
    name,
    bangs,
    comment,
    params: params.map(({ key, value }) => [key, value]),
    args: args.map(({ value }) => value),
  }));
}

function hasErrors(parsed: ReturnType<typeof parseScript>): boolean {
  return parsed.diagnostics.some(({ severity }) => severity === "error");
}

const pieces = fc.constantFrom(
  "!!",
  "!!a.b",
  "\n",
  "\n    ",
  "\n  ",
  "\r\n",
  "\t",
  " ",
  "  ",
  "x:",
  "key:",
  "'",
  '"',
  "'''",
  "//",
  "// it's",
  "-/",
  "<!-- c -->",
  "<BR>",
  "\\\\n",
  "\\'",
  "\\",
  ",",
  ", ",
  "${",
  "}",
  "${x}",
  "{",
  "(",
  ")",
  "`",
  "word",
  "id:1",
  "1.5",
  "#",
  "/",
  "é",
  "💥",
  "print('x')",
  "if (x) {",
  "!",
  "![",
  ":",
  "\u0000",
  "\v",
);
const soup = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(""));
const actionSoup = soup.map((text) => `!!actor.name ${text}`);

/** A real text with a piece put in, taken out or doubled somewhere. */
const mutated = fc
  .record({
    seed: fc.constantFrom(...seeds),
    at: fc.nat(),
    length: fc.nat(12),
    put: fc.option(pieces, { nil: "" }),
  })
  .map(({ seed, at, length, put }) => {
    const from = seed.length === 0 ? 0 : at % seed.length;
    return seed.slice(0, from) + put + seed.slice(from + length);
  });

const anyText = fc.oneof(soup, actionSoup, mutated, fc.string({ unit: "binary", maxLength: 200 }));

const modes = ["script", "prose", "auto"] as const;

describe("the parser, whatever it is given", () => {
  test("never throws, and every diagnostic points into the text", () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(...modes), fc.boolean(), (text, mode, strict) => {
        const { script, diagnostics } = parseScript(text, { mode, strict });
        for (const diagnostic of diagnostics) {
          const line = script.lines[diagnostic.line - 1];
          expect(line).toBeDefined();
          expect(diagnostic.column).toBeGreaterThanOrEqual(1);
          expect(diagnostic.column).toBeLessThanOrEqual((line?.raw.length ?? 0) + 1);
          expect(diagnostic.length).toBeGreaterThanOrEqual(1);
          expect(formatDiagnostic(diagnostic, { name: "x", lines: script.lines })).toContain("^");
        }
        listActions(script);
      }),
      { numRuns: 1500 },
    );
  });

  test("random bytes are text like any other", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const { script } = parseScript(Buffer.from(bytes).toString("utf8"), { mode: "auto" });
        expect(script.lines.length).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  test("reads a text of one long line in linear time", () => {
    const long = `!!a.b x:'${"y ".repeat(200_000)}' ${"word ".repeat(50_000)}`;
    const { script } = parseScript(long);
    expect(script.actions).toHaveLength(1);
  });

  test("reads expressions that are never closed in linear time", () => {
    for (const piece of ["${ ", "${' "]) {
      const { diagnostics } = parseScript(`!!a.b x:'${piece.repeat(100_000)}'`);
      expect(diagnostics.map(({ severity }) => severity)).toContain("error");
    }
  });
});

describe("printing", () => {
  test("an action that was printed is read as the same action", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const parsed = parseScript(text, { mode: "prose" });
        fc.pre(!hasErrors(parsed));
        const again = parseScript(printActions(parsed.script.actions), { mode: "prose" });
        expect(meaning(again.script.actions)).toEqual(meaning(parsed.script.actions));
      }),
      { numRuns: 1500 },
    );
  });

  test("values of any text survive being printed", () => {
    const line = fc.string({ unit: "grapheme", maxLength: 30 });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        // What no value can hold: outer white space, tabs, carriage returns and the language's own escapes.
        const value = lines
          .join("\n")
          .replace(/[\t\r\v\f]/g, " ")
          .replace(/\\\\n|<BR>/g, "")
          .trim();
        const { script } = parseScript("!!a.b x:1");
        const [action] = script.actions;
        const parameter = action?.params[0];
        if (action === undefined || parameter === undefined) throw new Error("the sample has a parameter");
        const printed = printActions([{ ...action, params: [{ ...parameter, value }] }]);
        const [again] = parseScript(printed).script.actions;
        expect(again?.params[0]?.value).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("formatting", () => {
  test("changes no meaning, and twice is once", () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom("prose" as const, "auto" as const), (text, mode) => {
        const parsed = parseScript(text, { mode });
        fc.pre(!hasErrors(parsed));
        const formatted = formatScript(parsed.script);
        const again = parseScript(formatted, { mode });
        expect(meaning(again.script.actions)).toEqual(meaning(parsed.script.actions));
        expect(formatScript(again.script)).toBe(formatted);
      }),
      { numRuns: 1500 },
    );
  });

  test("keeps every line that is not part of an action", () => {
    for (const seed of seeds) {
      const { script, diagnostics } = parseScript(seed, { mode: "auto" });
      if (diagnostics.some(({ severity }) => severity === "error")) continue;
      const others = script.lines.filter(
        ({ role }) => role !== "action" && role !== "parameter" && role !== "blank",
      );
      const formatted = formatScript(script).split("\n");
      for (const { raw } of others) expect(formatted).toContain(raw);
    }
  });
});
