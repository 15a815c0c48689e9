/**
 * The manual pages are made from the option tables. Write them anew after a change of a table with
 *
 *   UPDATE_DOCS=1 npx vitest run test/docs
 */
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, it } from "vitest";
import { program as herojob } from "../../packages/herojob/src/options.ts";
import { program as herorunner } from "../../packages/herorunner/src/options.ts";
import { program as herosupervisor } from "../../packages/supervisor/src/options.ts";
import { repositoryRoot } from "../support/built.ts";
import { needDebianPrograms } from "../support/debian-programs.ts";
import { heroManual } from "./manual/hero-manual.ts";
import { programManual } from "./manual/program-manual.ts";
import { roff } from "./manual/roff.ts";
import { herojobTexts, herorunnerTexts, herosupervisorTexts, heroTexts } from "./manual/texts.ts";

const sections = ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "ENVIRONMENT"];
const closing = ["FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO"];

const { version } = JSON.parse(await readFile(join(repositoryRoot, "package.json"), "utf8")) as {
  version: string;
};
const pages = [
  {
    path: "packages/herorunner/man/herorunner.1",
    made: roff(programManual(herorunner, version, herorunnerTexts)),
  },
  {
    path: "packages/supervisor/man/herosupervisor.1",
    made: roff(programManual(herosupervisor, version, herosupervisorTexts)),
  },
  { path: "packages/herojob/man/herojob.1", made: roff(programManual(herojob, version, herojobTexts)) },
  { path: "packages/hero/man/hero.1", made: roff(heroManual(version, heroTexts)) },
];

beforeAll(() => needDebianPrograms("mandoc"), 300_000);

it.each(pages)("$path says what the tables say", async ({ path, made }) => {
  const file = join(repositoryRoot, path);
  if (process.env["UPDATE_DOCS"] === "1") {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, made);
  }
  expect(await readFile(file, "utf8").catch(() => "missing")).toBe(made);
});

it.each(pages)(
  "$path is read by man without a complaint, with every section in its place",
  async ({ path }) => {
    const page = join(repositoryRoot, path);
    const lint = await mandoc("-T", "lint", "-W", "style", page);
    // A date would have to be changed by hand at each release.
    expect(lint.split("\n").filter((line) => line !== "" && !line.includes("missing date"))).toEqual([]);
    const text = await mandoc("-T", "ascii", page);
    const headings = text
      .replaceAll(/.\x08/g, "")
      .split("\n")
      .filter((line) => /^[A-Z][A-Z ]+$/.test(line));
    expect(headings).toEqual([...sections, ...closing]);
  },
);

it("every flag of the tables is on the page", async () => {
  for (const [program, page] of [
    [herorunner, pages[0]],
    [herosupervisor, pages[1]],
    [herojob, pages[2]],
  ] as const) {
    const flags = Object.values(program.commands).flatMap(({ options }) =>
      Object.values<{ flag: string }>(options).map(({ flag }) => flag),
    );
    const text = page?.made.replaceAll("\\-", "-") ?? "";
    expect(flags.filter((flag) => !text.includes(`--${flag}`))).toEqual([]);
  }
});

/** What it prints, whatever its exit code. */
async function mandoc(...args: readonly string[]): Promise<string> {
  return promisify(execFile)("mandoc", args).then(
    ({ stdout }) => stdout,
    (error: unknown) => (error as { stdout: string }).stdout, // what execFile rejects with
  );
}
