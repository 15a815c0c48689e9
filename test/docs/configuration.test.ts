/**
 * docs/configuration.md is made from the option tables of the programs. Write it anew after a change of a table with
 *
 *   UPDATE_DOCS=1 npx vitest run test/docs
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configurationReference } from "@herorunner/daemon";
import { format, resolveConfig } from "prettier";
import { expect, it } from "vitest";
import { program as herojob } from "../../packages/herojob/src/options.ts";
import { program as herorunner } from "../../packages/herorunner/src/options.ts";
import { program as herosupervisor } from "../../packages/supervisor/src/options.ts";

const page = join(import.meta.dirname, "../../docs/configuration.md");

it("docs/configuration.md says what the option tables say", async () => {
  const style = await resolveConfig(page);
  const made = await format(configurationReference([herorunner, herosupervisor, herojob]), {
    ...style,
    parser: "markdown",
  });
  if (process.env["UPDATE_DOCS"] === "1") await writeFile(page, made);
  expect(await readFile(page, "utf8").catch(() => "missing")).toBe(made);
});
