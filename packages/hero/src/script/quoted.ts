/**
 * Reads one value, bare or between quotes, from where the cursor stands. Quotes inside `${…}` belong to the
 * expression; elsewhere a quote of either kind ends the value unless a backslash stands before it.
 */
import type { Cursor } from "./cursor.ts";
import { JavaScriptScanner } from "./javascript.ts";
import { isSpace } from "./text.ts";
import { CharBuffer, decodeEscapes, type Chars } from "./value-text.ts";

const quoteChar = /['"]/;
/** Each that is not closed on its line is looked for up to the end of the line; a value has so many of them at most. */
const mostUnclosed = 16;

/**
 * Up to white space, a comma or a comment; takes one character at least. Two slashes behind a colon, and all behind
 * those, are part of an address.
 */
export function readBare(at: Cursor): Chars {
  const buffer = new CharBuffer();
  do {
    buffer.add(at.char, at.offset);
    at.advance();
  } while (!at.done && at.char !== "," && !isSpace(at.char) && !commentInside(at, buffer.text));
  return decodeEscapes(buffer, true);
}

function commentInside(at: Cursor, text: string): boolean {
  return at.startsWith("//") && at.charBefore !== ":" && !text.includes("://") && !text.startsWith("//");
}

/** The cursor stands on the opening quote. Without a closing one the value takes everything that is left. */
export function readQuoted(at: Cursor): { readonly chars: Chars; readonly closed: boolean } {
  const whole = new CharBuffer();
  let part = new CharBuffer();
  const settle = () => {
    whole.append(decodeEscapes(part, true));
    part = new CharBuffer();
  };
  at.advance();
  let unclosed = 0;
  while (!at.done) {
    if (quoteChar.test(at.char) && at.charBefore !== "\\") {
      settle();
      at.advance();
      return { chars: whole, closed: true };
    }
    const end = unclosed < mostUnclosed ? expressionEnd(at) : undefined;
    if (end === "unclosed") unclosed++;
    if (end === undefined || end === "unclosed") {
      if (!at.atLineEnd) part.add(at.char, at.offset);
      else if (!at.inBlankLine) part.add(" ", at.offset);
      at.advance();
    } else {
      settle();
      while (at.index < end) {
        whole.add(at.char, at.offset);
        at.advance();
      }
    }
  }
  settle();
  return { chars: whole, closed: false };
}

/** The index behind a `${…}` that starts here and holds quotes of its own; others need no care. */
function expressionEnd(at: Cursor): number | "unclosed" | undefined {
  if (!at.startsWith("${") || at.charBefore === "\\") return undefined;
  const line = at.source.raw;
  const scanner = new JavaScriptScanner();
  const end = scanner.findExpressionEnd(line, at.index + 2);
  if (end < 0) return "unclosed";
  if (scanner.faults.length > 0 || !quoteChar.test(line.slice(at.index, end))) return undefined;
  return end + 1;
}
