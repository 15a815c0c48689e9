/**
 * The lines of a log, made from pieces of two streams as they come. A line belongs to one stream; one that is not over grows
 * when its stream goes on, whatever the other stream wrote meanwhile.
 */
import { bytes, count, visible } from "./format.js";

/** Longer lines go on in the next one, so that no single line can hold up the page. */
const maxLineLength = 4_000;

export class LogLines {
  /** `{ kind: "line" | "more" | "gap", stream, text, number }` */
  lines = [];
  bytesOf = { out: 0, err: 0 };
  #open = { out: undefined, err: undefined };
  #number = 0;

  get length() {
    return this.lines.length;
  }

  /** Answers the index of the first line that changed. */
  append(stream, data) {
    let first = this.lines.length;
    const text = visible(data.replaceAll("\r\n", "\n"));
    let from = 0;
    while (from < text.length) {
      const end = text.indexOf("\n", from);
      const piece = text.slice(from, end === -1 ? text.length : end);
      first = Math.min(first, this.#write(stream, piece));
      if (end === -1) break;
      if (this.#open[stream] === undefined) this.#write(stream, "");
      this.#open[stream] = undefined;
      from = end + 1;
    }
    return first;
  }

  gap({ stream = "out", bytes: missing = 0, entries = 0 }) {
    const what = missing > 0 ? bytes(missing) : `${count(entries)} pieces`;
    this.#open = { out: undefined, err: undefined };
    const of = stream === "err" ? " of stderr" : "";
    return this.lines.push({ kind: "gap", stream, text: `··· ${what}${of} not kept`, number: undefined }) - 1;
  }

  /** Writes a piece without a line end; answers the index of the line it went to. */
  #write(stream, piece) {
    let at = this.#open[stream];
    let rest = piece;
    const first = at ?? this.lines.length;
    if (at === undefined) at = this.#add("line", stream);
    while (this.lines[at].text.length + rest.length > maxLineLength) {
      const room = wholeCharacters(rest, maxLineLength - this.lines[at].text.length);
      this.lines[at].text += rest.slice(0, room);
      rest = rest.slice(room);
      at = this.#add("more", stream);
    }
    this.lines[at].text += rest;
    this.#open[stream] = at;
    return first;
  }

  #add(kind, stream) {
    const number = kind === "line" ? (this.#number += 1) : undefined;
    return this.lines.push({ kind, stream, text: "", number }) - 1;
  }

  /** Index of the line with this number. */
  indexOfNumber(number) {
    let [low, high] = [0, this.lines.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      let at = middle;
      while (at > low && this.lines[at].number === undefined) at -= 1;
      const own = this.lines[at].number ?? 0;
      if (own === number) return at;
      if (own < number) low = middle + 1;
      else high = at - 1;
    }
    return -1;
  }
}

/** Not more than `length`, and no character cut in two. */
function wholeCharacters(text, length) {
  const last = text.charCodeAt(length - 1);
  return last >= 0xd800 && last < 0xdc00 ? length - 1 : length;
}

const narrow = /^[\x20-\x7e]*$/;
/** Joins the character before it. */
const joining = /^[\p{M}\p{Cf}]$/u;
/** From Hangul on most characters are two columns wide, or may be; less is left free when they are not. */
const firstWide = 0x1100;
/** Punctuation, arrows, mathematics, box drawing and what `visible` writes are as wide as a letter. */
const signs = [0x2000, 0x2600];
const tabWidth = 8;

/** Where the rows of a line begin that is more than letters of one width, at most `columns` on each. */
function cuts(text, columns) {
  const found = [0];
  let at = 0;
  let column = 0;
  for (const character of text) {
    const code = character.codePointAt(0);
    const isWide = code >= firstWide && !(code >= signs[0] && code < signs[1]);
    let width = isWide ? 2 : 1;
    if (code === 9) width = tabWidth - (column % tabWidth);
    else if (code > 0x7e && joining.test(character)) width = 0;
    if (column > 0 && column + width > columns) {
      found.push(at);
      column = code === 9 ? tabWidth : width;
    } else column += width;
    at += character.length;
  }
  return found;
}

/** Which row of the screen shows which part of which line: one a line, or as many as it takes when lines are wrapped. */
export class Rows {
  /** Row at which each line starts; one more at the end. */
  #starts = [0];
  columns = Infinity;

  constructor(store) {
    this.store = store;
  }

  get count() {
    return this.#starts.at(-1) ?? 0;
  }

  /** Lines from this one on are new or were changed. */
  changed(from) {
    const { lines } = this.store;
    this.#starts.length = Math.min(this.#starts.length, from + 1);
    for (let at = this.#starts.length - 1; at < lines.length; at += 1) {
      this.#starts.push(this.#starts[at] + this.#rowsOf(lines[at].text));
    }
  }

  #rowsOf(text) {
    if (this.columns === Infinity) return 1;
    if (narrow.test(text)) return Math.max(1, Math.ceil(text.length / this.columns));
    return cuts(text, this.columns).length;
  }

  rowOfLine(index) {
    return this.#starts[index] ?? 0;
  }

  /** `{ line, index, from, to, first }` */
  at(row) {
    let [low, high] = [0, this.store.lines.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= row) low = middle;
      else high = middle - 1;
    }
    const line = this.store.lines[low];
    const part = row - this.#starts[low];
    const { text } = line;
    const first = part === 0;
    if (this.columns === Infinity) return { line, index: low, from: 0, to: text.length, first };
    if (narrow.test(text)) {
      const from = part * this.columns;
      return { line, index: low, from, to: from + this.columns, first };
    }
    const found = cuts(text, this.columns);
    return { line, index: low, from: found[part], to: found[part + 1] ?? text.length, first };
  }
}

const mostHits = 20_000;

/** Places where a text occurs, whatever the case of its letters; the first 20 000. */
export function findAll(lines, text, fromIndex = 0) {
  const wanted = text.toLowerCase();
  const hits = [];
  if (wanted === "") return hits;
  for (let index = fromIndex; index < lines.length && hits.length < mostHits; index += 1) {
    const line = lines[index].text.toLowerCase();
    let at = line.indexOf(wanted);
    while (at !== -1 && hits.length < mostHits) {
      hits.push({ index, at });
      at = line.indexOf(wanted, at + wanted.length);
    }
  }
  return hits;
}
