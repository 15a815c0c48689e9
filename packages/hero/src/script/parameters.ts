/**
 * Reads the text of one action, head excluded, into parameters, arguments and comments. A line break counts as a
 * space; both quote characters mean the same; a value between quotes at the end of a line and a quote alone on a
 * line keeps its lines. Problems are collected, at most one for a line, and reading goes on with the next line.
 */
import type { Entry, Parameter, Value } from "./ast.ts";
import { Cursor } from "./cursor.ts";
import type { Problem } from "./problem.ts";
import { fixKey } from "./names.ts";
import { readBare, readQuoted } from "./quoted.ts";
import { readTemplate } from "./template.ts";
import { isSpace, type SourceLine } from "./text.ts";
import { decodeEscapes, joinItems, trimChars, type Chars, type Item } from "./value-text.ts";
import { suspectLine, textBlock, unclosedText } from "./text-block.ts";

export interface ActionText {
  readonly entries: readonly Entry[];
  readonly problems: readonly Problem[];
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
  readonly #at: Cursor;
  readonly #entries: Entry[] = [];
  readonly #problems: Problem[] = [];
  /** The last quoted value, to explain a stray quote behind it. */
  #lastQuoted: { readonly offset: number; readonly row: number } | undefined;

  constructor(lines: readonly SourceLine[], headEnd: number) {
    this.#at = new Cursor(lines, headEnd);
  }

  read(): ActionText {
    for (;;) {
      this.#at.skipSpace();
      if (this.#at.done) break;
      if (this.#commentStarts()) this.#comment();
      else if (!this.#multiline()) this.#word();
    }
    return { entries: this.#entries, problems: this.#problems };
  }

  #commentStarts(): boolean {
    if (this.#at.startsWith("<!--")) return this.#at.atLineStart;
    return this.#at.startsWith("//") && (this.#at.atLineStart || this.#at.charBefore !== ":");
  }

  /** To the end of the line, or to `-/` when a quote stands in the line, as the language has it. */
  #comment(): void {
    const rest = this.#at.rest;
    const trailing = !this.#at.atLineStart || this.#at.row === 0;
    const closing = quoteChar.test(rest) ? rest.indexOf("-/") : -1;
    const html = rest.startsWith("<!--");
    const text = closing >= 0 && !html ? rest.slice(0, closing) : rest;
    const shown = html ? text.replace(/^<!--/, "").replace(/-->$/, "") : text.replace(/^[/\s]+/, "");
    this.#entries.push({ kind: "comment", text: shown.trim(), offset: this.#at.offset, trailing });
    if (closing >= 0 && !html) this.#at.index += closing + 2;
    else this.#at.nextLine();
  }

  #fail(problem: Problem): void {
    this.#problems.push(problem);
    this.#at.nextLine();
  }

  #word(): void {
    const offset = this.#at.offset;
    let word = "";
    while (!this.#at.done && wordChar.test(this.#at.char)) {
      if (this.#at.startsWith("//")) break;
      word += this.#at.char;
      this.#at.advance();
    }
    if (!this.#at.done && this.#at.char === ":") {
      this.#at.advance();
      this.#parameter(word, offset);
    } else if (this.#at.done || isSpace(this.#at.char) || this.#at.startsWith("//")) {
      if (word !== "") this.#argument(word, offset);
      if (!this.#at.done && this.#at.startsWith("//")) this.#comment();
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
    const { source, index } = this.#at;
    const char = String.fromCodePoint(source.raw.codePointAt(index) ?? 0);
    const problem = {
      code: "illegal-char" as const,
      message: `${describe(char)} cannot stand in a name or an argument`,
      offset: this.#at.offset,
      length: char.length,
    };
    const hint = this.#illegalHint(char);
    this.#fail(hint === undefined ? problem : { ...problem, hint });
  }

  #illegalHint(char: string): string | undefined {
    const quoted = this.#lastQuoted;
    if (quoteChar.test(char) && quoted !== undefined && quoted.row === this.#at.row) {
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
    const items: Item[] = [];
    const entriesBefore = this.#entries.length;
    let valueOffset = offset;
    for (;;) {
      this.#skipSpaceAndComments();
      if (this.#at.done) {
        if (!this.#endWithoutValue(word, offset, items.length)) return;
        break;
      }
      if (items.length === 0) valueOffset = this.#at.offset;
      else this.#warnIfParameter(!items.some((item) => item.text.includes(":")));
      const quoted = quoteChar.test(this.#at.char);
      if (quoted && items.length === 0 && this.#opensBehindOther()) return;
      const item = quoted ? this.#quoted() : readBare(this.#at);
      const more = this.#takeComma();
      items.push({ ...item, wrap: quoted && item.text.includes(" ") && (more || this.#atEnd()) });
      if (!more) break;
    }
    const joined = joinItems(items);
    this.#settleComments(entriesBefore);
    this.#store({ word, offset, valueOffset, multiline: false }, joined);
  }

  /** Comments between a name and the end of its value stand before the parameter from now on. */
  #settleComments(from: number): void {
    for (let index = from; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry?.kind === "comment") this.#entries[index] = { ...entry, trailing: false };
    }
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
    const match = /^([A-Za-z_][A-Za-z0-9_]*):/.exec(this.#at.rest);
    if (match === null || !plainList) return;
    this.#problems.push({
      code: "list-item",
      message: `${match[0]} is read as an item of the list before it`,
      offset: this.#at.offset,
      length: match[0].length,
      hint: "if it is a parameter, remove the comma before it",
      warning: true,
    });
  }

  #opensBehindOther(): boolean {
    const rest = this.#at.rest;
    if (!closer.test(rest) || this.#at.onLastLine) return false;
    if (this.#at.charBefore !== ":" && !/:[ \t]{1,3}$/.test(this.#at.before)) {
      return false;
    }
    this.#fail({
      code: "illegal-char",
      message: "a value of several lines must be the first parameter of its line",
      offset: this.#at.offset,
      length: rest.length,
      hint: "start a new line with this parameter",
    });
    while (!this.#at.done && !closer.test(this.#at.source.raw.trim())) this.#at.nextLine();
    if (!this.#at.done) this.#at.nextLine();
    return true;
  }

  #skipSpaceAndComments(): void {
    this.#at.skipSpace();
    while (!this.#at.done && this.#commentStarts()) {
      this.#comment();
      this.#at.skipSpace();
    }
  }

  /** Looks past spaces for a comma; without one, stays right behind the value. */
  #takeComma(): boolean {
    if (this.#at.done) return false;
    const saved = { place: this.#at.mark(), entries: this.#entries.length };
    this.#skipSpaceAndComments();
    if (!this.#at.done && this.#at.char === ",") {
      this.#at.advance();
      return true;
    }
    this.#at.goTo(saved.place);
    this.#entries.length = saved.entries;
    return false;
  }

  #atEnd(): boolean {
    if (this.#at.done) return true;
    const saved = { place: this.#at.mark(), entries: this.#entries.length };
    this.#skipSpaceAndComments();
    const end = this.#at.done;
    this.#at.goTo(saved.place);
    this.#entries.length = saved.entries;
    return end;
  }

  #quoted(): Chars {
    const start = { offset: this.#at.offset, row: this.#at.row };
    const { chars, closed } = readQuoted(this.#at);
    this.#lastQuoted = start;
    if (!closed) {
      this.#problems.push({
        code: "unclosed-quote",
        message: "this quote is never closed; the value takes the rest of the action",
        offset: start.offset,
        length: 1,
        hint: "a value of several lines starts with a quote at the end of its line and ends with a quote alone on a line",
        lossy: true,
      });
    }
    return chars;
  }

  #multiline(): boolean {
    if (!this.#at.atLineStart) return false;
    const match = opener.exec(this.#at.rest);
    if (match === null) return false;
    const [whole, word = "", quote = ""] = match;
    const remark = whole.indexOf("//");
    if (remark >= 0) {
      const text = whole
        .slice(remark)
        .replace(/^[/\s]+/, "")
        .trim();
      this.#entries.push({ kind: "comment", text, offset: this.#at.offset + remark, trailing: false });
    }
    const offset = this.#at.offset;
    const openRow = this.#at.row;
    const openLine = this.#at.source;
    const valueOffset = offset + this.#at.rest.indexOf(quote, word.length + 1);
    this.#at.nextLine();
    const body: SourceLine[] = [];
    while (!this.#at.done && !closer.test(this.#at.source.raw.trim())) {
      body.push(this.#at.source);
      this.#at.nextLine();
    }
    if (this.#at.done) this.#problems.push(unclosedText({ word, offset }, body));
    else this.#at.nextLine();
    const suspect = openRow === 0 ? undefined : suspectLine(openLine, body);
    if (suspect !== undefined) this.#problems.push(suspect);
    this.#store(
      { word, offset, valueOffset, multiline: true },
      decodeEscapes(textBlock(body, valueOffset), false),
    );
    return true;
  }

  #store(
    place: { word: string; offset: number; valueOffset: number; multiline: boolean },
    chars: Chars,
  ): void {
    const decoded = trimChars(chars);
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

function describe(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return /[\p{Z}\p{C}]/u.test(char) ? `the character U+${code.toString(16).padStart(4, "0")}` : `'${char}'`;
}
