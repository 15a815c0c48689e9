/**
 * A manual page as roff, in the macros of man(7). Texts are plain; what stands between backticks is set in bold. Lines are
 * wrapped, so that a change of one sentence is a small difference.
 */
export type Block =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "heading"; readonly text: string }
  /** A term, and what it means, indented below it. */
  | { readonly kind: "entry"; readonly term: string; readonly text: string }
  | { readonly kind: "code"; readonly lines: readonly string[] };

export interface Section {
  readonly heading: string;
  readonly blocks: readonly Block[];
}

export interface Manual {
  readonly name: string;
  readonly summary: string;
  readonly version: string;
  /** Command lines, each with its words. */
  readonly synopsis: readonly string[];
  /** Everything after NAME and SYNOPSIS. A section without blocks is left out. */
  readonly sections: readonly Section[];
}

const width = 78;

export function roff(manual: Manual): string {
  const { name, version, summary, synopsis } = manual;
  const lines = [
    '.\\" Made from the option tables; UPDATE_DOCS=1 npx vitest run test/docs makes it anew.',
    `.TH ${name.toUpperCase()} 1 "" "herorunner ${version}" "User Commands"`,
    // Text aligned to the left and not hyphenated: flags are copied from here.
    ".ad l",
    ".nh",
    ".SH NAME",
    `${escaped(name)} \\- ${inline(summary)}`,
    ".SH SYNOPSIS",
    ...synopsis.flatMap((line, at) => [...(at === 0 ? [] : [".br"]), synopsisLine(line)]),
    ...manual.sections.filter(({ blocks }) => blocks.length > 0).flatMap(sectionLines),
  ];
  return `${lines.join("\n")}\n`;
}

function sectionLines({ heading, blocks }: Section): string[] {
  return [`.SH ${heading}`, ...blocks.flatMap((block, at) => blockLines(block, blocks[at - 1]))];
}

function blockLines(block: Block, before: Block | undefined): string[] {
  switch (block.kind) {
    case "heading":
      return [`.SS ${inline(block.text)}`];
    case "text":
      return [...(before === undefined || before.kind === "heading" ? [] : [".PP"]), ...wrapped(block.text)];
    case "entry":
      return [".TP", inline(block.term), ...wrapped(block.text)];
    case "code":
      return [".PP", ".RS 4", ".nf", ...block.lines.map((line) => guarded(escaped(line))), ".fi", ".RE"];
  }
}

/** The program, and its command where one is named, in bold. */
function synopsisLine(line: string): string {
  const [, names = "", rest = ""] = /^([a-z]+(?: [a-z]+)?) ?(.*)$/.exec(line) ?? [];
  return `\\fB${escaped(names)}\\fR ${escaped(rest)}`.trimEnd();
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of inline(text).split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map(guarded);
}

function inline(text: string): string {
  return text
    .split("`")
    .map((part, at) => (at % 2 === 1 ? `\\fB${escaped(part)}\\fR` : escaped(part)))
    .join("");
}

/** Plain ASCII; dashes stay dashes when they are copied. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll(
      /[^\x20-\x7e]/gu,
      (one) => `\\[u${one.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}

/** A dot at the start of a line would be taken for a command. */
function guarded(line: string): string {
  return line.startsWith(".") ? `\\&${line}` : line;
}
