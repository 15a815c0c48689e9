/**
 * Reads the text of one action, head excluded, into parameters, arguments and comments. A line break counts as a
 * space; both quote characters mean the same; a value between quotes at the end of a line and a quote alone on a
 * line keeps its lines. Problems are collected, at most one for a line, and reading goes on with the next line.
 */
import type { Entry, Parameter, Value } from "./ast.ts";
import type { DiagnosticCode } from "./diagnostics.ts";
import { fixKey } from "./names.ts";
import { readTemplate } from "./template.ts";
import { expandTabs, firstVisible, isSpace, visibleEnd, type SourceLine } from "./text.ts";
import { CharBuffer, decodeValue } from "./value-text.ts";

export interface Problem {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly offset: number;
  readonly length: number;
  readonly hint?: string;
  /** Text would be lost or changed without a word: an error in strict reading, a warning otherwise. */
  readonly lossy?: boolean;
  readonly warning?: boolean;
}

export interface ActionText {
  readonly entries: readonly Entry[];
  readonly problems: readonly Problem[];
}

interface Line {
  readonly source: SourceLine;
  readonly from: number;
  readonly end: number;
}

const wordChar = /[A-Za-z0-9_,./]/;
const quoteChar = /['"]/;
const opener = /^([A-Za-z0-9_,./]+):[ \t]{0,3}('''|"""|'|")[ \t]*(?:\/\/[^'"]*)?$/;
const closer = /^(?:'''|"""|'|")$/;

/** `lines` are the rest of the head line, from `headEnd` on, and the lines below it. */
export function readParameters(lines: readonly SourceLine[], headEnd: number): ActionText {
  return new ParameterReader(lines, headEnd).read();
}

class ParameterReader {
  readonly #lines: readonly Line[];
  readonly #entries: Entry[] = [];
  readonly #problems: Problem[] = [];
  #row = 0;
  #index: number;
  /** The last quoted value, to explain a stray quote behind it. */
  #lastQuoted: { readonly offset: number; readonly row: number } | undefined;

  constructor(lines: readonly SourceLine[], headEnd: number) {
    this.#lines = lines.map((source, row) => ({
      source,
      from: row === 0 ? headEnd : firstVisible(source.raw),
      end: visibleEnd(source.raw),
    }));
    this.#index = this.#lines[0]?.from ?? 0;
  }

  read(): ActionText {
    for (;;) {
      this.#skipSpace();
      if (this.#done) break;
      if (this.#commentStarts()) this.#comment();
      else if (!this.#multiline()) this.#word();
    }
    return { entries: this.#entries, problems: this.#problems };
  }

  get #done(): boolean {
    return this.#row >= this.#lines.length;
  }

  get #line(): Line {
    const line = this.#lines[this.#row];
    if (line === undefined) throw new RangeError("read past the end of an action");
    return line;
  }

  get #char(): string {
    return this.#index < this.#line.end ? this.#line.source.raw.charAt(this.#index) : "\n";
  }

  get #offset(): number {
    return this.#line.source.start + this.#index;
  }

  #nextLine(): void {
    this.#row++;
    this.#index = this.#lines[this.#row]?.from ?? 0;
  }

  #advance(): void {
    if (this.#index < this.#line.end) this.#index++;
    else this.#nextLine();
  }

  #skipSpace(): void {
    while (!this.#done && isSpace(this.#char)) this.#advance();
  }

  get #atLineStart(): boolean {
    return firstVisible(this.#line.source.raw, this.#line.from) === this.#index;
  }

  #rest(): string {
    return this.#line.source.raw.slice(this.#index, this.#line.end);
  }

  #commentStarts(): boolean {
    if (this.#rest().startsWith("<!--")) return this.#atLineStart;
    if (!this.#rest().startsWith("//")) return false;
    const before = this.#line.source.raw.charAt(this.#index - 1);
    return this.#atLineStart || isSpace(before) || quoteChar.test(before);
  }

  /** To the end of the line, or to `-/` when a quote stands in the line, as the language has it. */
  #comment(): void {
    const rest = this.#rest();
    const trailing = !this.#atLineStart || (this.#row === 0 && this.#entries.length > 0);
    const closing = quoteChar.test(rest) ? rest.indexOf("-/") : -1;
    const html = rest.startsWith("<!--");
    const text = closing >= 0 && !html ? rest.slice(0, closing) : rest;
    const shown = html ? text.replace(/^<!--/, "").replace(/-->$/, "") : text.replace(/^[/ ]+/, "");
    this.#entries.push({ kind: "comment", text: shown.trim(), offset: this.#offset, trailing });
    if (closing >= 0 && !html) this.#index += closing + 2;
    else this.#nextLine();
  }

  #fail(problem: Problem): void {
    this.#problems.push(problem);
    this.#nextLine();
  }

  #word(): void {
    const offset = this.#offset;
    let word = "";
    while (!this.#done && wordChar.test(this.#char)) {
      if (this.#rest().startsWith("//")) break;
      word += this.#char;
      this.#advance();
    }
    if (!this.#done && this.#char === ":") {
      this.#advance();
      this.#parameter(word, offset);
    } else if (this.#done || isSpace(this.#char) || this.#rest().startsWith("//")) {
      if (word !== "") this.#argument(word, offset);
      if (!this.#done && this.#rest().startsWith("//")) this.#comment();
    } else this.#illegal();
  }

  #argument(word: string, offset: number): void {
    const value = word.replace(/^\/+/, "");
    if (value !== word) {
      this.#problems.push({
        code: "leading-slash",
        message: `the language drops the leading / of the argument ${word}`,
        offset,
        length: word.length,
        hint: `a path needs a name: path:'${word}'`,
        warning: true,
      });
    }
    this.#entries.push({ kind: "argument", value, offset, valueOffset: offset });
  }

  #illegal(): void {
    const char = this.#char;
    const problem = {
      code: "illegal-char" as const,
      message: `${describe(char)} cannot stand in a name or an argument`,
      offset: this.#offset,
      length: 1,
    };
    const hint = this.#illegalHint(char);
    this.#fail(hint === undefined ? problem : { ...problem, hint });
  }

  #illegalHint(char: string): string | undefined {
    const quoted = this.#lastQuoted;
    if (quoteChar.test(char) && quoted !== undefined && quoted.row === this.#row) {
      return "the value before it already ended at a quote; inside a value write \\' or \\\" for a quote";
    }
    if (quoteChar.test(char)) return "only values can be quoted: name:'value'";
    if (char === "#") return "a remark inside an action starts with //";
    if (char === "=") return "a parameter is written name:value";
    if (char === "-") return "use _ in names; a value with - stands behind a name: name:value";
    if (/[([{]/.test(char)) return "put the value in quotes: name:'…'";
    return undefined;
  }

  #parameter(word: string, offset: number): void {
    const items: { text: string; offsets: readonly number[]; wrap: boolean }[] = [];
    let valueOffset = offset;
    for (;;) {
      this.#skipSpaceAndComments();
      if (this.#done) {
        if (!this.#endWithoutValue(word, offset, items.length)) return;
        break;
      }
      if (items.length === 0) valueOffset = this.#offset;
      else this.#warnIfParameter(items.length === 1 && !(items[0]?.text.includes(":") ?? false));
      const quoted = quoteChar.test(this.#char);
      if (quoted && items.length === 0 && this.#opensBehindOther()) return;
      const item = quoted ? this.#quoted() : this.#bare();
      const more = this.#takeComma();
      items.push({ ...item, wrap: quoted && item.text.includes(" ") && (more || this.#atEnd()) });
      if (!more) break;
    }
    const joined = joinItems(items);
    this.#store({ word, offset, valueOffset, multiline: false }, joined);
  }

  #endWithoutValue(word: string, offset: number, items: number): boolean {
    const length = word.length + 1;
    if (items > 0) {
      this.#problems.push({
        code: "trailing-comma",
        message: `the list ${word} ends with a comma`,
        offset,
        length,
        hint: "remove the last comma",
        lossy: true,
      });
      return true;
    }
    this.#problems.push({
      code: "no-value",
      message: `the parameter ${word} has no value`,
      offset,
      length,
      hint: `an empty value is written ${word}:''`,
      lossy: true,
    });
    return false;
  }

  /** A comma at the end of a parameter makes the next parameter an item of the list. */
  #warnIfParameter(plainList: boolean): void {
    const match = /^([A-Za-z_][A-Za-z0-9_]*):/.exec(this.#rest());
    if (match === null || !plainList) return;
    this.#problems.push({
      code: "list-item",
      message: `${match[0]} is read as an item of the list before it`,
      offset: this.#offset,
      length: match[0].length,
      hint: "if it is a parameter, remove the comma before it",
      warning: true,
    });
  }

  #opensBehindOther(): boolean {
    const rest = this.#rest();
    if (!closer.test(rest) || this.#row + 1 >= this.#lines.length) return false;
    if (this.#line.source.raw.charAt(this.#index - 1) !== ":" && !/:[ \t]{1,3}$/.test(this.#before())) {
      return false;
    }
    this.#fail({
      code: "illegal-char",
      message: "a value of several lines must be the first parameter of its line",
      offset: this.#offset,
      length: rest.length,
      hint: "start a new line with this parameter",
    });
    return true;
  }

  #before(): string {
    return this.#line.source.raw.slice(this.#line.from, this.#index);
  }

  #skipSpaceAndComments(): void {
    this.#skipSpace();
    while (!this.#done && this.#commentStarts()) {
      this.#comment();
      this.#skipSpace();
    }
  }

  /** Looks past spaces for a comma; without one, stays right behind the value. */
  #takeComma(): boolean {
    if (this.#done) return false;
    const saved = { row: this.#row, index: this.#index, entries: this.#entries.length };
    this.#skipSpaceAndComments();
    if (!this.#done && this.#char === ",") {
      this.#advance();
      return true;
    }
    this.#row = saved.row;
    this.#index = saved.index;
    this.#entries.length = saved.entries;
    return false;
  }

  #atEnd(): boolean {
    if (this.#done) return true;
    const saved = { row: this.#row, index: this.#index, entries: this.#entries.length };
    this.#skipSpaceAndComments();
    const end = this.#done;
    this.#row = saved.row;
    this.#index = saved.index;
    this.#entries.length = saved.entries;
    return end;
  }

  #bare(): { text: string; offsets: readonly number[] } {
    const buffer = new CharBuffer();
    do {
      buffer.add(this.#char, this.#offset);
      this.#advance();
    } while (!this.#done && this.#char !== "," && !isSpace(this.#char));
    return buffer;
  }

  #quoted(): { text: string; offsets: readonly number[] } {
    const start = { offset: this.#offset, row: this.#row };
    const buffer = new CharBuffer();
    this.#advance();
    while (!this.#done) {
      const char = this.#char;
      if (quoteChar.test(char) && this.#line.source.raw.charAt(this.#index - 1) !== "\\") {
        this.#advance();
        this.#lastQuoted = start;
        return buffer;
      }
      if (this.#index < this.#line.end) buffer.add(char, this.#offset);
      else this.#breakInQuotes(buffer);
      this.#advance();
    }
    this.#problems.push({
      code: "unclosed-quote",
      message: "this quote is never closed; the value takes the rest of the action",
      offset: start.offset,
      length: 1,
      hint: "a value of several lines starts with a quote at the end of its line and ends with a quote alone on a line",
      lossy: true,
    });
    return buffer;
  }

  /** A line break inside quotes is one space, however many blank lines there are. */
  #breakInQuotes(buffer: CharBuffer): void {
    if (this.#index === this.#line.from && this.#line.source.blank) return;
    buffer.add(" ", this.#offset);
  }

  #multiline(): boolean {
    if (!this.#atLineStart) return false;
    const match = opener.exec(this.#rest());
    if (match === null) return false;
    const [, word = "", quote = ""] = match;
    const offset = this.#offset;
    const openRow = this.#row;
    const valueOffset = offset + this.#rest().indexOf(quote, word.length + 1);
    this.#nextLine();
    const body: SourceLine[] = [];
    while (!this.#done && !closer.test(this.#line.source.raw.trim())) {
      body.push(this.#line.source);
      this.#nextLine();
    }
    if (this.#done) this.#unclosedText(word, offset, body);
    else this.#nextLine();
    this.#warnAboutTextLines(body, openRow);
    this.#store({ word, offset, valueOffset, multiline: true }, textBlock(body, valueOffset));
    return true;
  }

  #unclosedText(word: string, offset: number, body: readonly SourceLine[]): void {
    const onTextLine = body.find((line) => /['"]\s*$/.test(line.raw));
    const hint =
      onTextLine === undefined
        ? "end it with a quote alone on a line, indented like the text"
        : `the closing quote must stand alone on its line; line ${onTextLine.number} ends with one behind text`;
    this.#problems.push({
      code: "unclosed-text",
      message: `the text of ${word} is never closed; it takes all lines of the action`,
      offset,
      length: word.length + 1,
      hint,
      lossy: true,
    });
  }

  /** A line that looks like a parameter and stands no deeper than the opening one was hardly meant as text. */
  #warnAboutTextLines(body: readonly SourceLine[], openRow: number): void {
    const openLine = this.#lines[openRow]?.source;
    if (openLine === undefined || openRow === 0) return;
    const index = body.findIndex(
      (line) => line.indent <= openLine.indent && /^\s*[A-Za-z_][A-Za-z0-9_]*:/.test(line.raw),
    );
    const suspect = body[index];
    if (suspect === undefined || !body.slice(0, index).some((line) => /['"]\s*$/.test(line.raw))) return;
    this.#problems.push({
      code: "text-line",
      message: `this line is part of the text that was opened in line ${openLine.number}`,
      offset: suspect.start + firstVisible(suspect.raw),
      length: Math.max(1, visibleEnd(suspect.raw) - firstVisible(suspect.raw)),
      hint: "the quote that closes a text stands alone on its line",
      warning: true,
    });
  }

  #store(
    place: { word: string; offset: number; valueOffset: number; multiline: boolean },
    chars: { text: string; offsets: readonly number[] },
  ): void {
    const decoded = decodeValue(chars, !place.multiline);
    const key = fixKey(place.word);
    const template = readTemplate(decoded.text, decoded.offsets);
    for (const fault of template?.faults ?? []) {
      this.#problems.push({ code: "template", message: fault.message, offset: fault.offset, length: 2 });
    }
    const value: Value = { value: decoded.text, valueOffset: place.valueOffset };
    const parameter: Parameter = {
      kind: "parameter",
      key,
      offset: place.offset,
      multiline: place.multiline,
      ...value,
      ...(template === undefined ? {} : { template: template.pieces }),
    };
    this.#entries.push(parameter);
  }
}

function joinItems(
  items: readonly { text: string; offsets: readonly number[]; wrap: boolean }[],
): CharBuffer {
  const joined = new CharBuffer();
  for (const [index, item] of items.entries()) {
    const wrap = item.wrap && items.length > 1;
    const first = item.offsets[0] ?? 0;
    if (index > 0) joined.add(",", first);
    if (wrap) joined.add('"', first);
    joined.append(item);
    if (wrap) joined.add('"', item.offsets.at(-1) ?? 0);
  }
  return joined;
}

/** The lines of a text without their common indentation. Blank lines stay. */
function textBlock(body: readonly SourceLine[], at: number): CharBuffer {
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

function describe(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return code < 0x20 || code === 0x7f ? `the character U+${code.toString(16).padStart(4, "0")}` : `'${char}'`;
}
