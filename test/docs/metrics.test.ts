/**
 * docs/metrics.md is made from the tables that the programs count by. Write it anew after a change of a table with
 *
 *   UPDATE_DOCS=1 npx vitest run test/docs
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { metricsReference } from "@herorunner/daemon";
import { format, resolveConfig } from "prettier";
import { expect, it } from "vitest";
import * as herorunner from "../../packages/herorunner/src/metric-table.ts";
import * as herosupervisor from "../../packages/supervisor/src/metric-table.ts";

const page = join(import.meta.dirname, "../../docs/metrics.md");

it("docs/metrics.md says what the tables of the programs say", async () => {
  const style = await resolveConfig(page);
  const programs = [
    { name: "herorunner", introduction: herorunner.introduction, metrics: herorunner.metricTable },
    {
      name: "herosupervisor",
      introduction: herosupervisor.introduction,
      metrics: herosupervisor.metricTable,
    },
  ];
  const made = await format(metricsReference(programs), { ...style, parser: "markdown" });
  if (process.env["UPDATE_DOCS"] === "1") await writeFile(page, made);
  expect(await readFile(page, "utf8").catch(() => "missing")).toBe(made);
});
