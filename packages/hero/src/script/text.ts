/**
 * A text as lines with positions. LF, CRLF and a lone CR end a line; a tab counts as four columns of indentation.
 * Everything the parser says about a place is a character offset into the original text, turned into line and
 * column (both from 1) only when it is reported.
 */

export interface SourceLine {
  /** Counted from 1. */
  readonly number: number;
  /** Offset of the first character. */
  readonly start: number;
  /** The line as written, without its line end. */
  readonly raw: string;
  /** Columns before the first visible character; 0 for a blank line. */
  readonly indent: number;
  readonly blank: boolean;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

const tabWidth = 4;
const whitespace = new Set([" ", "\t", "\v", "\f", "\r", "\n"]);

export function isSpace(char: string): boolean {
  return whitespace.has(char);
}

/** Index of the first character that is not white space; the length of the text when there is none. */
export function firstVisible(text: string, from = 0): number {
  let index = from;
  while (index < text.length && isSpace(text.charAt(index))) index++;
  return index;
}

/** Length of the text without white space at its end. */
export function visibleEnd(text: string): number {
  let end = text.length;
  while (end > 0 && isSpace(text.charAt(end - 1))) end--;
  return end;
}

export function trimSpace(text: string): string {
  const start = firstVisible(text);
  const end = visibleEnd(text);
  return start < end ? text.slice(start, end) : "";
}

export function expandTabs(text: string): string {
  return text.includes("\t") ? text.replaceAll("\t", " ".repeat(tabWidth)) : text;
}

function indentOf(raw: string): number {
  let columns = 0;
  for (let index = 0; index < raw.length; index++) {
    const char = raw.charAt(index);
    if (char === "\t") columns += tabWidth;
    else if (isSpace(char)) columns++;
    else return columns;
  }
  return 0;
}

export function splitLines(text: string): SourceLine[] {
  const lines: SourceLine[] = [];
  const add = (start: number, end: number) => {
    const raw = text.slice(start, end);
    lines.push({
      number: lines.length + 1,
      start,
      raw,
      indent: indentOf(raw),
      blank: firstVisible(raw) === raw.length,
    });
  };
  let start = text.startsWith("\uFEFF") ? 1 : 0;
  const lineEnd = /\r\n|\n|\r/g;
  lineEnd.lastIndex = start;
  for (let match = lineEnd.exec(text); match !== null; match = lineEnd.exec(text)) {
    add(start, match.index);
    start = match.index + match[0].length;
  }
  add(start, text.length);
  return lines;
}

/** The indentation that all lines share; it is taken off before any rule about columns is applied. */
export function commonIndent(lines: readonly SourceLine[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const line of lines) if (!line.blank && line.indent < least) least = line.indent;
  return Number.isFinite(least) ? least : 0;
}

/** The line an offset lies in; the last one when the offset is past the end. */
export function lineAt(lines: readonly SourceLine[], offset: number): SourceLine {
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lines[middle]?.start ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const line = lines[low];
  if (line === undefined) throw new RangeError("a text has at least one line");
  return line;
}

export function positionAt(lines: readonly SourceLine[], offset: number): Position {
  const line = lineAt(lines, offset);
  const column = Math.max(0, Math.min(offset - line.start, line.raw.length)) + 1;
  return { line: line.number, column };
}
