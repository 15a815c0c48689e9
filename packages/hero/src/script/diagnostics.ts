/**
 * What the parser and the checker have to say about a script: a sentence, a place, and if possible what to write
 * instead. An error stops the run; a warning does not. `code` is stable and is what programs match on.
 */
import { expandTabs } from "./text.ts";

export const diagnosticCodes = [
  "illegal-char",
  "name-parts",
  "five-bangs",
  "unclosed-quote",
  "no-value",
  "trailing-comma",
  "one-space",
  "cut-off",
  "unclosed-text",
  "reserved-id",
  "repeated",
  "leading-slash",
  "empty-key",
  "list-item",
  "text-line",
  "template",
  "bracket",
  "asynchronous",
  "javascript",
  "unknown-actor",
  "unknown-action",
  "bad-parameter",
  "not-allowed",
  "failed",
] as const;
export type DiagnosticCode = (typeof diagnosticCodes)[number];

export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly hint?: string;
  /** Line and column, both from 1; line 0 when the place is not known. */
  readonly line: number;
  readonly column: number;
  /** How many characters to underline. */
  readonly length: number;
}

export interface Painter {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly faint: (text: string) => string;
}

const plain: Painter = { error: (text) => text, warning: (text) => text, faint: (text) => text };

const control = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g;

/** Makes control characters visible, so that a script cannot steer the terminal of whoever reads a message. */
export function printable(text: string): string {
  return text.replace(control, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

const shownColumns = 100;

const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\u4DBF\u4E00-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{1B000}-\u{1B2FF}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;
const withoutWidth = /[\p{M}\u200B-\u200D\u2060\uFEFF]/u;

/** Columns that a text takes on a terminal. */
function columnsOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let columns = 0;
  for (const char of text) columns += withoutWidth.test(char) ? 0 : wide.test(char) ? 2 : 1;
  return columns;
}

/** Index in a text that does not part a pair of surrogates. */
function wholeChar(text: string, index: number): number {
  const inside = /[\uDC00-\uDFFF]/.test(text.charAt(index)) && /[\uD800-\uDBFF]/.test(text.charAt(index - 1));
  return inside ? index + 1 : index;
}

/** The source line with carets below; long lines are cut around the place. */
function excerpt(diagnostic: Diagnostic, raw: string, paint: Painter): string[] {
  const at = diagnostic.column - 1;
  // What can be shown at most; a line can have megabytes.
  const near = raw.slice(Math.max(0, at - shownColumns), at + 2 * shownColumns);
  const before = expandTabs(raw.slice(Math.max(0, at - shownColumns), at));
  const under = expandTabs(raw.slice(at, at + Math.min(diagnostic.length, shownColumns)));
  const whole = expandTabs(near);
  const from = before.length > shownColumns - 20 ? wholeChar(whole, before.length - 40) : 0;
  const to = wholeChar(whole, from + shownColumns);
  const head = from > 0 ? "…" : "";
  const tail = whole.length > to ? "…" : "";
  const gutter = String(diagnostic.line).padStart(4);
  const place = printable(whole.slice(before.length, Math.min(before.length + under.length, to)));
  const carets = "^".repeat(Math.max(1, columnsOf(place)));
  const pad = " ".repeat(columnsOf(head + printable(whole.slice(from, before.length))));
  const colour = diagnostic.severity === "error" ? paint.error : paint.warning;
  return [
    `${paint.faint(`${gutter} |`)} ${head}${printable(whole.slice(from, to))}${tail}`,
    `${paint.faint("     |")} ${pad}${colour(carets)}`,
  ];
}

/** Message, source line, carets and hint, as text of several lines without a newline at the end. */
export function formatDiagnostic(
  diagnostic: Diagnostic,
  source: { readonly name: string; readonly lines: readonly { readonly raw: string }[] },
  paint: Painter = plain,
): string {
  const colour = diagnostic.severity === "error" ? paint.error : paint.warning;
  const place = diagnostic.line > 0 ? `${source.name}:${diagnostic.line}:${diagnostic.column}` : source.name;
  const lines = [`${place}: ${colour(`${diagnostic.severity}:`)} ${printable(diagnostic.message)}`];
  const raw = source.lines[diagnostic.line - 1]?.raw;
  if (raw !== undefined) lines.push(...excerpt(diagnostic, raw, paint));
  if (diagnostic.hint !== undefined) lines.push(`       hint: ${printable(diagnostic.hint)}`);
  return lines.join("\n");
}
