/** Our pages, read as the site reads them: their fenced blocks with what the info string says, headings and links. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import MarkdownIt from "markdown-it";
import { repositoryRoot } from "../../support/built.ts";

export interface Block {
  /** Path of the page from the root of the repository. */
  readonly page: string;
  /** Of the first line of its text, from 1. */
  readonly line: number;
  readonly language: string;
  /** `name=value` and bare words behind the language in the info string. */
  readonly marks: ReadonlyMap<string, string>;
  readonly text: string;
  /** The heading above it, in plain text. */
  readonly section: string;
}

const markdown = new MarkdownIt({ html: true });

/** The pages whose commands people paste: README.md, docs/*.md, and what stands beside the files for deployment. */
export function pages(): readonly string[] {
  const docs = readdirSync(join(repositoryRoot, "docs")).filter((name) => name.endsWith(".md"));
  return ["README.md", ...docs.sort().map((name) => `docs/${name}`), "deploy/README.md"].filter((page) =>
    existsSync(join(repositoryRoot, page)),
  );
}

export function pageText(page: string): string {
  return readFileSync(join(repositoryRoot, page), "utf8");
}

export function blocksOf(page: string, text = pageText(page)): readonly Block[] {
  const blocks: Block[] = [];
  let section = "";
  const tokens = markdown.parse(text, {});
  for (const [at, token] of tokens.entries()) {
    if (token.type === "heading_open") section = tokens[at + 1]?.content ?? "";
    if (token.type !== "fence") continue;
    const [language = "", ...marks] = token.info.trim().split(/\s+/);
    blocks.push({
      page,
      line: (token.map?.[0] ?? 0) + 2,
      language,
      marks: new Map(marks.map((mark) => splitOnce(mark))),
      text: token.content,
      section,
    });
  }
  return blocks;
}

/** Code that stands inside lines of text. */
export function inlineCode(page: string): readonly string[] {
  return markdown
    .parse(pageText(page), {})
    .flatMap((token) => token.children ?? [])
    .filter((token) => token.type === "code_inline")
    .map((token) => token.content);
}

function splitOnce(mark: string): [string, string] {
  const at = mark.indexOf("=");
  return at < 0 ? [mark, ""] : [mark.slice(0, at), mark.slice(at + 1)];
}
