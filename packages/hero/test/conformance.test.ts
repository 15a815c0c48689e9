import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { convertParameter } from "../src/script/conversions.ts";
import { parseScript } from "../src/script/parse.ts";
import { cases, deviations, type Case, type ExpectedAction } from "./support/cases.ts";
import { repository } from "./support/hero.ts";

const decided = new Map(deviations.map((deviation) => [deviation.id, deviation]));
const world = { home: "/home/x", nowUnix: 0, exists: () => true };

function read(input: string, mode: "auto" | "prose"): Case["expect"] {
  const { script, diagnostics } = parseScript(input, { mode, strict: false });
  const error = diagnostics.find(({ severity, code }) => severity === "error" && code !== "bracket");
  if (error !== undefined) return { actions: [], error: error.code };
  const actions = script.actions.map((action): ExpectedAction => ({
    actor: action.actor,
    name: action.name,
    params: action.params.map(({ key, value }) => ({ key, value })),
    args: action.args.map(({ value }) => value),
    ...(action.comment === undefined ? {} : { comment: action.comment }),
  }));
  return { actions };
}

describe("the language as it was first defined", () => {
  test("all cases are here", () => {
    expect(cases).toHaveLength(88);
  });

  for (const one of cases) {
    for (const mode of ["prose", "auto"] as const) {
      test(`${one.id} (${mode})`, () => {
        const deviation = decided.get(one.id);
        const wanted = deviation === undefined ? one.expect : { actions: deviation.actions };
        expect(read(one.input, mode)).toEqual(wanted);
      });
    }
  }

  for (const { id, input, conversions } of cases) {
    if (conversions === undefined) continue;
    test(`${id}: values of every kind`, () => {
      const [subject] = parseScript(input, { mode: "prose", strict: false }).script.actions;
      for (const { key, kind, value, error } of conversions) {
        const answer = convertParameter(subject ?? { params: [], args: [] }, String(key), kind, world);
        if (error === true) expect(answer).toHaveProperty("error");
        else if (typeof value === "number" && "value" in answer) expect(answer.value).toBeCloseTo(value, 9);
        else expect(answer).toEqual({ value });
      }
    });
  }
});

describe("deliberate deviations", () => {
  const page = readFileSync(join(repository, "docs/heroscript.md"), "utf8");

  for (const { id, reason, actions } of deviations) {
    test(`${id} differs from the first definition, and the page says why`, () => {
      const one = cases.find((candidate) => candidate.id === id);
      expect(one).toBeDefined();
      expect(actions).not.toEqual(one?.expect.actions);
      expect(page).toContain(`\`${id}\``);
      expect(reason.length).toBeGreaterThan(20);
    });
  }
});
