/**
 * Decides for every line what it is: part of an action, a comment, a statement or nothing, and groups the lines of
 * each action. Outside any open JavaScript block a parameter line is indented by two or more columns; inside one, by
 * at least two more than its action.
 */
import type { LineRole } from "./ast.ts";
import { JavaScriptScanner, type Token } from "./javascript.ts";
import { commonIndent, firstVisible, trimSpace, type SourceLine } from "./text.ts";

export interface ActionLines {
  /** The head line, then all lines up to the last parameter line, blank ones included. */
  readonly lines: readonly SourceLine[];
  /** The comment lines before the action, without their slashes. */
  readonly comment: string | undefined;
}

export interface ReadLines {
  readonly roles: readonly LineRole[];
  readonly actions: readonly ActionLines[];
  readonly scanner: JavaScriptScanner;
  readonly hasStatements: boolean;
  /** Lines that were probably meant as parameters of the action they follow. */
  readonly strays: readonly Stray[];
}

export interface Stray {
  readonly line: SourceLine;
  /** `one-space`: indented by a single column. `cut-off`: a comment or statement ended the action before it. */
  readonly kind: "one-space" | "cut-off";
  readonly actionLine: number;
}

interface OpenAction {
  readonly lines: SourceLine[];
  readonly comment: string | undefined;
  readonly minIndent: number;
  blanks: SourceLine[];
}

const looksLikeParameter = /^\s+[A-Za-z0-9_.]+:/;

export function readLines(
  lines: readonly SourceLine[],
  statements: boolean,
  onToken: (token: Token) => void,
): ReadLines {
  return new LineReader(lines, statements, onToken).read();
}

class LineReader {
  readonly #lines: readonly SourceLine[];
  readonly #base: number;
  readonly #statements: boolean;
  readonly #scanner: JavaScriptScanner;
  readonly #roles: LineRole[] = [];
  readonly #actions: ActionLines[] = [];
  readonly #strays: Stray[] = [];
  #hasStatements = false;
  #action: OpenAction | undefined;
  #comment: string[] | undefined;
  /** The last action, as long as only comments and parameter-like lines came after it. */
  #cutAction: number | undefined;

  constructor(lines: readonly SourceLine[], statements: boolean, onToken: (token: Token) => void) {
    this.#lines = lines;
    this.#base = commonIndent(lines);
    this.#statements = statements;
    this.#scanner = new JavaScriptScanner(onToken);
  }

  read(): ReadLines {
    for (const line of this.#lines) this.#roles.push(this.#role(line));
    this.#finish();
    return {
      roles: this.#roles,
      actions: this.#actions,
      scanner: this.#scanner,
      hasStatements: this.#hasStatements,
      strays: this.#strays,
    };
  }

  #role(line: SourceLine): LineRole {
    if (this.#statements && this.#scanner.inExpression) {
      this.#comment = undefined;
      return this.#statement(line);
    }
    if (line.blank) {
      this.#action?.blanks.push(line);
      return "blank";
    }
    const first = line.raw.charAt(firstVisible(line.raw));
    const action = this.#action;
    if (action !== undefined && line.indent >= action.minIndent && first !== "!") {
      action.lines.push(...action.blanks, line);
      action.blanks = [];
      return "parameter";
    }
    this.#finish(line);
    return this.#outside(line, first);
  }

  #outside(line: SourceLine, first: string): LineRole {
    const visible = line.raw.slice(firstVisible(line.raw));
    const inequality = this.#statements && visible.startsWith("!=");
    if (first === "!" && !visible.startsWith("![") && !inequality) return this.#start(line);
    if (visible.startsWith("//") && line.indent === this.#base && !this.#blockOpen) {
      (this.#comment ??= []).push(trimSpace(visible).replace(/^[/ ]+/, ""));
      return "comment";
    }
    if (!visible.startsWith("![")) this.#comment = undefined;
    if (first === "#" && (!this.#blockOpen || !/^#[A-Za-z_$]/.test(visible))) {
      this.#cutAction = undefined;
      return "hash";
    }
    this.#lookForStray(line);
    return this.#statements ? this.#statement(line) : "prose";
  }

  get #blockOpen(): boolean {
    return this.#statements && this.#scanner.open.length > 0;
  }

  #statement(line: SourceLine): LineRole {
    const visible = line.raw.slice(firstVisible(line.raw));
    if (!visible.startsWith("//") && !line.blank) this.#hasStatements = true;
    this.#scanner.feed(line.raw, line.start);
    return "statement";
  }

  #start(line: SourceLine): LineRole {
    const inner = this.#blockOpen ? line.indent : this.#base;
    this.#action = {
      lines: [line],
      comment: this.#comment?.join("\n"),
      minIndent: inner + 2,
      blanks: [],
    };
    this.#comment = undefined;
    return "action";
  }

  /** Ends the open action; `next` is the line that ended it. */
  #finish(next?: SourceLine): void {
    const action = this.#action;
    if (action === undefined) return;
    this.#action = undefined;
    this.#actions.push({ lines: action.lines, comment: action.comment === "" ? undefined : action.comment });
    const head = action.lines[0];
    this.#cutAction = head?.number;
    if (next === undefined || head === undefined || this.#blockOpen) return;
    if (next.indent === this.#base + 1 && looksLikeParameter.test(next.raw)) {
      this.#strays.push({ line: next, kind: "one-space", actionLine: head.number });
    }
  }

  /** A parameter line behind a comment at the margin belongs to nothing. */
  #lookForStray(line: SourceLine): void {
    const actionLine = this.#cutAction;
    if (actionLine === undefined || this.#blockOpen) return;
    const known = this.#strays.at(-1);
    if (line.indent < this.#base + 2 || !looksLikeParameter.test(line.raw)) {
      if (known?.line !== line) this.#cutAction = undefined;
      return;
    }
    if (known?.actionLine !== actionLine) this.#strays.push({ line, kind: "cut-off", actionLine });
  }
}
