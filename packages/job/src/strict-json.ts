/**
 * JSON (RFC 8259) for text that a stranger wrote. One text has one meaning: a member name may stand only once in its
 * object, strings are valid Unicode, and a whole number is the number that was written (nothing beyond ±(2^53 − 1)).
 * Objects come out as Map, so that a member called `__proto__` is just a member. Never throws.
 */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
/** Members in the order in which they were written. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

export type StrictJson =
  | { readonly ok: true; readonly value: JsonValue }
  /** `detail` is the end of a sentence ("… at character 17"); it quotes member names, never values. */
  | { readonly ok: false; readonly detail: string };

export interface StrictJsonOptions {
  /** How deep lists and objects may be nested. Default 32. */
  readonly maxDepth?: number;
  /** How many values there may be in all: a short text can hold so many that they fill the memory. Default: any number. */
  readonly maxValues?: number;
}

/** Reads one JSON value that fills the whole text; white space around it is allowed, a byte order mark is not. */
export function parseStrictJson(text: string, options: StrictJsonOptions = {}): StrictJson {
  const parser = new Parser(text, options);
  try {
    return { ok: true, value: parser.document() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, detail: error.message };
    throw error;
  }
}

/** Narrows a value to an object without a cast. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

class Refusal extends Error {}

const loneSurrogate = /\p{Surrogate}/u;
const numberAt = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const whiteSpace = /[ \t\n\r]*/y;

function decode(quoted: string): string | undefined {
  try {
    const value: unknown = JSON.parse(quoted);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

class Parser {
  private readonly text: string;
  private readonly maxDepth: number;
  private readonly maxValues: number;
  private at = 0;
  private values = 0;

  constructor(text: string, { maxDepth = 32, maxValues = Infinity }: StrictJsonOptions) {
    this.text = text;
    this.maxDepth = maxDepth;
    this.maxValues = maxValues;
  }

  document(): JsonValue {
    const value = this.value(0);
    if (this.at < this.text.length) throw this.refusal("the text goes on after the value");
    return value;
  }

  /** One value with the white space on both sides. */
  private value(depth: number): JsonValue {
    this.values += 1;
    if (this.values > this.maxValues) throw this.refusal(`there are more than ${this.maxValues} values`);
    this.take(whiteSpace);
    const value = this.bareValue(depth);
    this.take(whiteSpace);
    return value;
  }

  private bareValue(depth: number): JsonValue {
    const first = this.text[this.at];
    switch (first) {
      case "{":
        return this.object(depth + 1);
      case "[":
        return this.list(depth + 1);
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      case undefined:
        throw this.refusal("the text ends where a value should stand");
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    this.enter(depth);
    const members = new Map<string, JsonValue>();
    this.take(whiteSpace);
    if (this.skip("}")) return members;
    do {
      this.take(whiteSpace);
      if (this.text[this.at] !== '"') throw this.refusal("a member name in double quotes is missing");
      const nameAt = this.at;
      const name = this.string();
      if (members.has(name)) {
        throw this.refusal(`the member ${JSON.stringify(name)} stands twice`, nameAt);
      }
      this.take(whiteSpace);
      if (!this.skip(":")) throw this.refusal(`a colon after ${JSON.stringify(name)} is missing`);
      members.set(name, this.value(depth));
    } while (this.skip(","));
    if (!this.skip("}")) throw this.refusal("a comma or the end of the object is missing");
    return members;
  }

  private list(depth: number): readonly JsonValue[] {
    this.enter(depth);
    const items: JsonValue[] = [];
    this.take(whiteSpace);
    if (this.skip("]")) return items;
    do items.push(this.value(depth));
    while (this.skip(","));
    if (!this.skip("]")) throw this.refusal("a comma or the end of the list is missing");
    return items;
  }

  private enter(depth: number): void {
    if (depth > this.maxDepth)
      throw this.refusal(`lists and objects are nested deeper than ${this.maxDepth}`);
    this.at += 1;
  }

  /** Finds the end of the string; what the escapes in between mean is left to JSON.parse, which is strict there. */
  private string(): string {
    const start = this.at;
    let end = start;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) throw this.refusal("a string has no end", start);
    } while (this.isEscaped(end));
    this.at = end + 1;
    const value = decode(this.text.slice(start, this.at));
    if (value === undefined) {
      throw this.refusal("a string holds a bare control character or an unknown escape", start);
    }
    if (loneSurrogate.test(value)) throw this.refusal("a string holds half a surrogate pair", start);
    return value;
  }

  /** An odd number of backslashes stands before `at`. */
  private isEscaped(at: number): boolean {
    let first = at;
    while (this.text[first - 1] === "\\") first -= 1;
    return (at - first) % 2 === 1;
  }

  private number(): number {
    const start = this.at;
    const digits = this.take(numberAt);
    if (digits === "") throw this.refusal("this is not a JSON value");
    const value = Number(digits);
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      throw this.refusal("a number is too large to be kept exactly", start);
    }
    return value;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.refusal("this is not a JSON value");
    this.at += word.length;
    return value;
  }

  private skip(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  /** What the sticky pattern matches here; possibly nothing. */
  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const matched = pattern.exec(this.text)?.[0] ?? "";
    this.at += matched.length;
    return matched;
  }

  private refusal(what: string, at = this.at): Refusal {
    return new Refusal(`${what}, at character ${at + 1}`);
  }
}
