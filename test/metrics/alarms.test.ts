/** The alarms: accepted by Prometheus, each shown to fire, about metrics that there are, with a section that says what to do. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repositoryRoot } from "../support/built.ts";
import { promtool } from "../support/promtool.ts";
import { queryProblems } from "./support/known-metrics.ts";

const folder = join(repositoryRoot, "deploy/prometheus");
const rulesFile = join(folder, "alerts.yaml");
const rulesText = await readFile(rulesFile, "utf8");
const page = await readFile(join(repositoryRoot, "docs/alarms.md"), "utf8");

/** One alarm is what stands between two lines `- alert:`. */
const alarms = rulesText
  .split(/^ *- alert: /m)
  .slice(1)
  .map((text) => ({ name: text.split("\n", 1)[0] ?? "", text }));

test("promtool accepts the rules and the configuration that loads them", async () => {
  expect(await promtool(["check", "rules", rulesFile])).toMatchObject({
    code: 0,
    text: expect.stringContaining(`SUCCESS: ${alarms.length} rules found`),
  });
  expect(await promtool(["check", "config", join(folder, "prometheus.yaml")])).toMatchObject({ code: 0 });
});

test("every alarm fires on what it is for, and a healthy system is quiet", async () => {
  expect(await promtool(["test", "rules", join(folder, "alerts.test.yaml")])).toMatchObject({ code: 0 });
  const tests = await readFile(join(folder, "alerts.test.yaml"), "utf8");
  const fired = [...tests.matchAll(/- name: (\w+) fires$/gm)].map(([, name]) => name);
  expect(new Set(fired)).toEqual(new Set(alarms.map(({ name }) => name)));
});

test.each(alarms)("$name says what is wrong and where help is", ({ name, text }) => {
  for (const member of ["severity", "summary", "description"])
    expect(text).toMatch(new RegExp(`^ +${member}: .+`, "m"));
  expect(text).toMatch(/severity: (?:critical|warning|info)$/m);
  expect(text).toContain(`runbook_url: docs/alarms.md#${name.toLowerCase()}`);
  const [, section = ""] = page.split(`### ${name}\n`);
  expect(section.split(/^#/m)[0]).toMatch(/\*\*Means\.\*\* [\s\S]+\*\*Do\.\*\* /);
});

test("the page has a section for each alarm and for no others", () => {
  const sections = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  expect(sections).toEqual(alarms.map(({ name }) => name));
});

test("rules, their tests and the page name only metrics, labels and values that there are", async () => {
  const tests = await readFile(join(folder, "alerts.test.yaml"), "utf8");
  for (const text of [rulesText, tests, page.replaceAll("\\|", "|")]) expect(queryProblems(text)).toEqual([]);
});
