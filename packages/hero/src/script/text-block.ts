/**
 * Values of several lines: what their text is, and the two ways in which they commonly go wrong.
 */
import type { Problem } from "./problem.ts";
import { expandTabs, firstVisible, visibleEnd, type SourceLine } from "./text.ts";
import { CharBuffer } from "./value-text.ts";

/** The lines of a text without their common indentation. Blank lines stay. */
export function textBlock(body: readonly SourceLine[], at: number): CharBuffer {
  const visible = body.filter((line) => !line.blank);
  const indent = Math.min(...visible.map((line) => line.indent));
  const block = new CharBuffer();
  for (const [index, line] of body.entries()) {
    if (index > 0) block.add("\n", line.start);
    if (line.blank) continue;
    const expanded = expandTabs(line.raw);
    const shift = line.raw.length - expanded.length;
    for (let column = indent; column < expanded.length; column++) {
      block.add(expanded.charAt(column), line.start + Math.max(0, column + shift));
    }
  }
  if (block.text === "") block.add("", at);
  return block;
}

export function unclosedText(
  parameter: { readonly word: string; readonly offset: number },
  body: readonly SourceLine[],
): Problem {
  const onTextLine = body.find((line) => /['"]\s*$/.test(line.raw));
  const hint =
    onTextLine === undefined
      ? "end it with a quote alone on a line, indented like the text"
      : `the closing quote must stand alone on its line; line ${onTextLine.number} ends with one behind text`;
  return {
    code: "unclosed-text",
    message: `the text of ${parameter.word} is never closed; it takes all lines of the action`,
    offset: parameter.offset,
    length: parameter.word.length + 1,
    hint,
    lossy: true,
  };
}

/** A line that looks like a parameter and stands no deeper than the opening one was hardly meant as text. */
export function suspectLine(openLine: SourceLine, body: readonly SourceLine[]): Problem | undefined {
  const index = body.findIndex(
    (line) => line.indent <= openLine.indent && /^\s*[A-Za-z_][A-Za-z0-9_]*:/.test(line.raw),
  );
  const suspect = body[index];
  if (suspect === undefined || !body.slice(0, index).some((line) => /['"]\s*$/.test(line.raw)))
    return undefined;
  return {
    code: "text-line",
    message: `this line is part of the text that was opened in line ${openLine.number}`,
    offset: suspect.start + firstVisible(suspect.raw),
    length: Math.max(1, visibleEnd(suspect.raw) - firstVisible(suspect.raw)),
    hint: "the quote that closes a text stands alone on its line",
    warning: true,
  };
}
