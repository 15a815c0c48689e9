/** docs/errors.md and the table that `herojob explain` speaks from say the same, about every reason and no other. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { jobReasons, reasonGuide } from "../src/index.ts";

const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
const [, reasonPart = ""] = /^([\s\S]*)## Errors of clients/.exec(page) ?? [];

function sections(): ReadonlyMap<string, string> {
  const parts = reasonPart.split(/^## `([a-z_]+)`$/m).slice(1);
  const found = new Map<string, string>();
  for (let at = 0; at < parts.length; at += 2) {
    found.set(parts[at] ?? "", (parts[at + 1] ?? "").replaceAll(/\s+/g, " "));
  }
  return found;
}

test("the page has one section for every reason, in the order of the list", () => {
  expect([...sections().keys()]).toEqual([...jobReasons]);
});

test.each(jobReasons)("the page explains %s in the words of the table", (reason) => {
  const { meaning, actor, next, command } = reasonGuide[reason];
  const section = sections().get(reason) ?? "";
  for (const text of [meaning, `the ${actor}.`, next, command]) expect(section).toContain(text);
});

test("the overview names every reason once", () => {
  const links = [...page.matchAll(/\[`([a-z_]+)`\]\(#([a-z_]+)\)/g)].map(([, name, anchor]) => [
    name,
    anchor,
  ]);
  expect(links).toHaveLength(jobReasons.length);
  expect(new Set(links.map(([name]) => name))).toEqual(new Set(jobReasons));
  expect(links.map(([, anchor]) => anchor)).toEqual(links.map(([name]) => name));
});

test.each(jobReasons)("the command for %s is one of ours and says which job it is about", (reason) => {
  const { command } = reasonGuide[reason];
  expect(command).toMatch(/^(herojob (retry ID|submit|cosign)|herorunner doctor)/);
  if (command.startsWith("herojob retry")) expect(command).toContain("retry ID --runner RUNNER");
});

test.each(jobReasons)("what %s means and what to do are sentences", (reason) => {
  const { meaning, next } = reasonGuide[reason];
  for (const text of [meaning, next]) expect(text).toMatch(/^[A-Z].*\.$/);
});
