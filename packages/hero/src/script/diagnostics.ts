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

/** The source line with carets below; long lines are cut around the place. */
function excerpt(diagnostic: Diagnostic, raw: string, paint: Painter): string[] {
  const before = expandTabs(raw.slice(0, diagnostic.column - 1));
  const under = expandTabs(raw.slice(diagnostic.column - 1, diagnostic.column - 1 + diagnostic.length));
  const whole = expandTabs(raw);
  const from = before.length > shownColumns - 20 ? before.length - 40 : 0;
  const head = from > 0 ? "…" : "";
  const shown = whole.slice(from, from + shownColumns);
  const tail = whole.length > from + shownColumns ? "…" : "";
  const gutter = String(diagnostic.line).padStart(4);
  const carets = "^".repeat(
    Math.max(1, Math.min(under.length, Math.max(1, from + shownColumns - before.length))),
  );
  const pad = " ".repeat(head.length + before.length - from);
  const colour = diagnostic.severity === "error" ? paint.error : paint.warning;
  return [
    `${paint.faint(`${gutter} |`)} ${head}${printable(shown)}${tail}`,
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
