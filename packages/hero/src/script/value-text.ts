/**
 * The characters of a value together with where each stands in the script, and the escapes of the language:
 * `\\n`, `<BR>` and `<<BR>>` are line breaks, `\'` and `\"` are quotes. White space at both ends goes.
 */
import { isSpace } from "./text.ts";

export class CharBuffer {
  text = "";
  readonly offsets: number[] = [];

  add(char: string, offset: number): void {
    const expanded = char === "\t" ? "    " : char;
    this.text += expanded;
    for (let index = 0; index < expanded.length; index++) this.offsets.push(offset);
  }

  append(other: { readonly text: string; readonly offsets: readonly number[] }): void {
    this.text += other.text;
    for (const offset of other.offsets) this.offsets.push(offset);
  }
}

export type Chars = { readonly text: string; readonly offsets: readonly number[] };

function replaceAll(chars: Chars, pattern: RegExp, by: (match: string) => string): Chars {
  if (chars.text.search(pattern) < 0) return chars;
  const result = new CharBuffer();
  let last = 0;
  const keep = (to: number) =>
    result.append({ text: chars.text.slice(last, to), offsets: chars.offsets.slice(last, to) });
  for (const match of chars.text.matchAll(pattern)) {
    keep(match.index);
    result.add(by(match[0]), chars.offsets[match.index] ?? 0);
    last = match.index + match[0].length;
  }
  keep(chars.text.length);
  return result;
}

/** Applies the escapes. Texts of several lines need none for quotes, so there `\'` stays as it is. */
export function decodeEscapes(chars: Chars, quotesAreEscaped: boolean): Chars {
  let decoded = replaceAll(chars, /\\\\n/g, () => "\n");
  if (quotesAreEscaped) decoded = replaceAll(decoded, /\\['"]/g, (match) => match.charAt(1));
  decoded = replaceAll(decoded, /<<BR>>/g, () => "\n");
  return replaceAll(decoded, /<BR>/g, () => "\n");
}

/** Without white space at both ends. */
export function trimChars(decoded: Chars): Chars {
  let start = 0;
  let end = decoded.text.length;
  while (start < end && isSpace(decoded.text.charAt(start))) start++;
  while (end > start && isSpace(decoded.text.charAt(end - 1))) end--;
  return { text: decoded.text.slice(start, end), offsets: decoded.offsets.slice(start, end) };
}

/** One item of a list; `wrap` puts it back between quotes. */
export type Item = Chars & { readonly wrap: boolean };

/** The items of a list as one text with commas. */
export function joinItems(items: readonly Item[]): CharBuffer {
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
