/** Links in our markdown lead somewhere: relative ones to a file that is there, anchors to a heading of that file. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isRelative, targetOf } from "../../scripts/site/places.mjs";
import { render } from "../../scripts/site/render.mjs";
import { repositoryRoot } from "../support/built.ts";

const notOurs = new Set(["node_modules", "dist", "test-output", "site-output", "coverage"]);

function markdownBelow(folder: string): readonly string[] {
  return readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory())
      return notOurs.has(entry.name) || entry.name === ".git" ? [] : markdownBelow(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

interface Page {
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
  readonly html: string;
}

function read(path: string): Page {
  const links: string[] = [];
  const { headings, html } = render(readFileSync(join(repositoryRoot, path), "utf8"), (href) => {
    links.push(href);
    return href;
  });
  return { links, anchors: new Set(headings.map(({ anchor }) => anchor)), html };
}

const pages = new Map(markdownBelow("").map((path) => [path, read(path)]));

/** What is wrong with a link, if something is. */
function faultOf(from: string, href: string): string | undefined {
  if (!isRelative(href)) return undefined;
  const { path, anchor } = targetOf(from, href);
  if (!existsSync(join(repositoryRoot, path))) return `${from}: ${href}: there is no ${path}`;
  if (anchor === undefined || pages.get(path)?.anchors.has(anchor)) return undefined;
  return `${from}: ${href}: ${path} has no such heading`;
}

test("every relative link and every anchor leads somewhere", () => {
  expect(pages.size).toBeGreaterThan(25);
  expect(
    [...pages].flatMap(([from, { links }]) => links.flatMap((href) => faultOf(from, href) ?? [])),
  ).toEqual([]);
});

test("a link to nothing is found", () => {
  expect(faultOf("docs/faq.md", "gone.md")).toBe("docs/faq.md: gone.md: there is no docs/gone.md");
  expect(faultOf("docs/faq.md", "errors.md#no_such_reason")).toContain("has no such heading");
  expect(faultOf("docs/faq.md", "../README.md#two-commands")).toBeUndefined();
});

test("every page of docs/ is reached from docs/README.md", () => {
  const reached = new Set(
    (pages.get("docs/README.md")?.links ?? []).map((href) => targetOf("docs/README.md", href).path),
  );
  const own = [...pages.keys()].filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== "docs/README.md");
  expect(own.filter((path) => !reached.has(path))).toEqual([]);
});

test("every picture says what it shows", () => {
  for (const [path, { html }] of pages) expect(html, path).not.toMatch(/<img[^>]*alt=""/);
});
