/**
 * Follows JavaScript line by line just far enough to know which brackets, strings, templates and comments are open,
 * and which words it uses. It never rejects anything but brackets; the engine judges the rest.
 */

export interface Token {
  readonly kind: "word" | "punctuation" | "value" | "comment";
  readonly text: string;
  readonly offset: number;
}

export interface Opener {
  readonly char: "{" | "(" | "[" | "${" | "`" | "/*";
  readonly offset: number;
}

export interface BracketFault {
  readonly char: string;
  readonly offset: number;
  /** What is open at this place, if anything. */
  readonly opener?: Opener;
}

const closers: Readonly<Record<string, readonly string[]>> = { "}": ["{", "${"], ")": ["("], "]": ["["] };
const wordChar = /[\p{L}\p{N}_$\u200c\u200d]/u;
const beforeRegex = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "delete",
  "void",
  "throw",
  "new",
  "else",
  "do",
  "instanceof",
]);

/** State lives from line to line; offsets are those of the whole text. */
export class JavaScriptScanner {
  readonly open: Opener[] = [];
  readonly faults: BracketFault[] = [];
  #line = "";
  #start = 0;
  #index = 0;
  #previous: Token | undefined;
  readonly #onToken: ((token: Token) => void) | undefined;

  constructor(onToken?: (token: Token) => void) {
    this.#onToken = onToken;
  }

  get innermost(): Opener | undefined {
    return this.open.at(-1);
  }

  /** Within `{`, where statements and so also actions may stand. */
  get inBlock(): boolean {
    return this.innermost?.char === "{";
  }

  /** Within a template, comment, parenthesis or bracket, where every line is JavaScript. */
  get inExpression(): boolean {
    return this.open.some((opener) => opener.char !== "{");
  }

  /** Reads one line. `start` is the offset of its first character. */
  feed(line: string, start: number): void {
    this.#line = line;
    this.#start = start;
    this.#index = 0;
    while (this.#index < line.length) this.#step();
  }

  /** Reads from an index to the `}` that closes an expression begun before it; the index of that brace, or -1. */
  findExpressionEnd(line: string, from: number): number {
    this.#line = line;
    this.#start = 0;
    this.#index = from;
    const depth = this.open.length;
    while (this.#index < line.length) {
      if (line.charAt(this.#index) === "}" && this.open.length === depth) return this.#index;
      this.#step();
    }
    return -1;
  }

  #step(): void {
    if (this.innermost?.char === "`") this.#template();
    else if (this.innermost?.char === "/*") this.#blockComment();
    else this.#code();
  }

  #emit(kind: Token["kind"], text: string, offset: number): void {
    const token: Token = { kind, text, offset };
    if (kind !== "comment") this.#previous = token;
    this.#onToken?.(token);
  }

  #push(char: Opener["char"], index: number): void {
    this.open.push({ char, offset: this.#start + index });
  }

  #template(): void {
    const char = this.#line.charAt(this.#index);
    if (char === "\\") this.#index += 2;
    else if (char === "`") {
      this.open.pop();
      this.#index++;
      this.#emit("value", "`", this.#start + this.#index - 1);
    } else if (char === "$" && this.#line.charAt(this.#index + 1) === "{") {
      this.#push("${", this.#index);
      this.#index += 2;
      this.#previous = undefined;
    } else this.#index++;
  }

  #blockComment(): void {
    const end = this.#line.indexOf("*/", this.#index);
    if (end < 0) this.#index = this.#line.length;
    else {
      this.open.pop();
      this.#index = end + 2;
    }
  }

  #code(): void {
    const line = this.#line;
    const index = this.#index;
    const char = line.charAt(index);
    const offset = this.#start + index;
    if (char === "/" && line.charAt(index + 1) === "/") {
      this.#emit("comment", line.slice(index), offset);
      this.#index = line.length;
    } else if (char === "/" && line.charAt(index + 1) === "*") {
      this.#emit("comment", "/*", offset);
      this.#push("/*", index);
      this.#index += 2;
    } else if (char === "/" && this.#regexMayStart()) this.#regex();
    else if (char === '"' || char === "'") this.#string(char);
    else if (char === "`") {
      this.#push("`", index);
      this.#index++;
    } else if (wordChar.test(char)) this.#word();
    else if (/\s/.test(char)) this.#index++;
    else this.#punctuation(char, offset);
  }

  #punctuation(char: string, offset: number): void {
    this.#index++;
    if (char === "{" || char === "(" || char === "[") this.#push(char, this.#index - 1);
    const wanted = closers[char];
    if (wanted !== undefined) {
      const opener = this.innermost;
      if (opener !== undefined && wanted.includes(opener.char)) {
        this.open.pop();
        if (opener.char === "${") return;
      } else {
        this.faults.push(opener === undefined ? { char, offset } : { char, offset, opener });
      }
    }
    this.#emit("punctuation", char, offset);
  }

  #word(): void {
    const from = this.#index;
    while (this.#index < this.#line.length && wordChar.test(this.#line.charAt(this.#index))) this.#index++;
    this.#emit("word", this.#line.slice(from, this.#index), this.#start + from);
  }

  #string(quote: string): void {
    const from = this.#index;
    let index = from + 1;
    while (index < this.#line.length && this.#line.charAt(index) !== quote) {
      index += this.#line.charAt(index) === "\\" ? 2 : 1;
    }
    this.#index = index + 1;
    this.#emit("value", this.#line.slice(from, this.#index), this.#start + from);
  }

  #regexMayStart(): boolean {
    const previous = this.#previous;
    if (previous === undefined) return true;
    if (previous.kind === "value") return false;
    if (previous.kind === "word") return beforeRegex.has(previous.text);
    return previous.text !== ")" && previous.text !== "]";
  }

  /** A slash that begins no regular expression on this line is a division after all. */
  #regex(): void {
    const from = this.#index;
    let inClass = false;
    for (let index = from + 1; index < this.#line.length; index++) {
      const char = this.#line.charAt(index);
      if (char === "\\") index++;
      else if (char === "[") inClass = true;
      else if (char === "]") inClass = false;
      else if (char === "/" && !inClass) {
        this.#index = index + 1;
        this.#emit("value", this.#line.slice(from, this.#index), this.#start + from);
        return;
      }
    }
    this.#index = from + 1;
    this.#emit("punctuation", "/", this.#start + from);
  }
}
