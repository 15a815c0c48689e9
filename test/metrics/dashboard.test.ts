/** The dashboard: a model that can be imported, with queries that Prometheus understands about metrics that there are. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { expect, onTestFinished, test } from "vitest";
import { repositoryRoot } from "../support/built.ts";
import { promtool } from "../support/promtool.ts";
import { queryProblems } from "./support/known-metrics.ts";

const text = await readFile(join(repositoryRoot, "deploy/grafana/herorunner.json"), "utf8");

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets?: readonly { readonly expr: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

const whole = { type: "integer", minimum: 0 };
const words = { type: "string", minLength: 1 };
const members = (properties: object, required: readonly string[]) => ({
  type: "object",
  properties,
  required,
});
const list = (items: object) => ({ type: "array", minItems: 1, items });
const target = members({ refId: words, expr: words, legendFormat: { type: "string" } }, [
  "refId",
  "expr",
  "legendFormat",
]);
const panel = members(
  {
    id: { type: "integer", minimum: 1 },
    type: { enum: ["row", "stat", "timeseries"] },
    title: words,
    gridPos: members({ h: whole, w: whole, x: whole, y: whole }, ["h", "w", "x", "y"]),
    targets: list(target),
  },
  ["id", "type", "title", "gridPos"],
);
const variable = members({ name: words, type: { enum: ["datasource", "query"] }, definition: words }, [
  "name",
  "type",
]);
const schema = members(
  {
    uid: { const: "herorunner" },
    title: words,
    schemaVersion: { type: "integer", minimum: 36 },
    annotations: members({ list: list(members({ expr: words }, ["expr"])) }, ["list"]),
    templating: members({ list: list(variable) }, ["list"]),
    panels: list(panel),
  },
  ["uid", "title", "schemaVersion", "annotations", "templating", "panels"],
);

const dashboard = JSON.parse(text) as Dashboard; // the first test looks at every member that is used here
const queries = [
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.annotations.list.map(({ expr }) => expr),
];
const variables = dashboard.templating.list.map(({ name }) => name);

test("it has the members that Grafana's model of a dashboard asks for", () => {
  const validate = new Ajv({ strict: false }).compile(schema);
  expect(validate(dashboard), JSON.stringify(validate.errors)).toBe(true);
});

test("every panel has a number and a place of its own", () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const taken = new Set<string>();
  for (const { title, gridPos } of dashboard.panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.has(`${x},${y}`), `${title} lies on another panel`).toBe(false);
        taken.add(`${x},${y}`);
      }
    }
  }
});

test("queries and variables name only metrics, labels and values that there are", () => {
  const definitions = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
  for (const query of [...queries, ...definitions]) expect(queryProblems(query), query).toEqual([]);
});

test("queries use the variables of the dashboard and are accepted by promtool", async () => {
  const plain = queries.map((query) =>
    query.replaceAll(/\$(\w+)/g, (_whole, name: string) => {
      if (name === "__rate_interval") return "5m";
      expect(variables).toContain(name);
      return ".*";
    }),
  );
  const rules = plain.map((expr, at) => `    - {record: "panel:${at}", expr: ${JSON.stringify(expr)}}`);
  const folder = await mkdtemp(join(tmpdir(), "herorunner-dashboard-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "rules.yaml");
  await writeFile(file, `groups:\n- name: dashboard\n  rules:\n${rules.join("\n")}\n`);
  expect(await promtool(["check", "rules", file])).toMatchObject({
    code: 0,
    text: expect.stringContaining(`SUCCESS: ${rules.length} rules found`),
  });
});
