/**
 * What a script is: actions, and the role of every line. Offsets count characters of the original text.
 */
import type { SourceLine } from "./text.ts";

/** A piece of a value: text as it stands, or the code between `${` and `}`. */
export type TemplatePiece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly code: string; readonly offset: number };

export interface Value {
  /** The value after escapes; `${…}` still as written. */
  readonly value: string;
  readonly valueOffset: number;
  /** Only when the value holds `${…}` or an escaped `\${`. */
  readonly template?: readonly TemplatePiece[];
}

export interface Parameter extends Value {
  readonly kind: "parameter";
  readonly key: string;
  readonly offset: number;
  /** A value that was written over several lines between quotes. */
  readonly multiline: boolean;
}

export interface Argument extends Value {
  readonly kind: "argument";
  readonly offset: number;
}

export interface InnerComment {
  readonly kind: "comment";
  readonly text: string;
  readonly offset: number;
  /** Stands behind something on its line. */
  readonly trailing: boolean;
}

export type Entry = Parameter | Argument | InnerComment;

export interface Action {
  readonly actor: string;
  readonly name: string;
  /** 1 to 4 exclamation marks; the number has no effect. */
  readonly bangs: number;
  /** In order; a repeated key keeps its last place and value, `id` is left out. */
  readonly params: readonly Parameter[];
  readonly args: readonly Argument[];
  readonly comment?: string;
  /** Everything inside the action as it was written, for the formatter. */
  readonly entries: readonly Entry[];
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  /** Characters of the head, exclamation marks included. */
  readonly headLength: number;
  readonly lastLine: number;
  /** Columns before the first exclamation mark. */
  readonly indent: number;
}

/** `hash` is a line that starts with `#`; `comment` is one that may belong to the next action. */
export type LineRole = "blank" | "statement" | "comment" | "hash" | "prose" | "action" | "parameter";

export interface ScriptLine extends SourceLine {
  readonly role: LineRole;
}

/** `git.list(` in a statement, found without running it. */
export interface Call {
  readonly actor: string;
  readonly name: string;
  readonly line: number;
  readonly column: number;
}

export interface Script {
  readonly text: string;
  readonly lines: readonly ScriptLine[];
  readonly actions: readonly Action[];
  /** Lines hold JavaScript besides comments. Always false in prose. */
  readonly hasStatements: boolean;
  readonly calls: readonly Call[];
  /** Words of statements that the script may have given a meaning of its own. */
  readonly ownWords: ReadonlySet<string>;
}

export interface ParseOptions {
  /**
   * What the lines between actions are: `script` reads them as JavaScript, `prose` skips them (markdown), `auto` is
   * `script` unless the brackets between the actions do not match. Default `script`.
   */
  readonly mode?: "script" | "prose" | "auto";
  /** Where the language as first defined loses text without a word: report an error instead of a warning. Default true. */
  readonly strict?: boolean;
}
