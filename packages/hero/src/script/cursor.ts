/**
 * A place in the text of one action that moves from character to character and from line to line. White space at both
 * ends of a line is outside; the end of a line reads as a newline.
 */
import { firstVisible, isSpace, visibleEnd, type SourceLine } from "./text.ts";

interface CursorLine {
  readonly source: SourceLine;
  readonly from: number;
  readonly end: number;
}

export interface Bookmark {
  readonly row: number;
  readonly index: number;
}

export class Cursor {
  readonly #lines: readonly CursorLine[];
  row = 0;
  index: number;

  /** `from` is the index in the first line at which reading starts. */
  constructor(lines: readonly SourceLine[], from: number) {
    this.#lines = lines.map((source, row) => ({
      source,
      from: row === 0 ? from : firstVisible(source.raw),
      end: visibleEnd(source.raw),
    }));
    this.index = from;
  }

  get done(): boolean {
    return this.row >= this.#lines.length;
  }

  get onLastLine(): boolean {
    return this.row + 1 >= this.#lines.length;
  }

  get #line(): CursorLine {
    const line = this.#lines[this.row];
    if (line === undefined) throw new RangeError("read past the end of an action");
    return line;
  }

  get source(): SourceLine {
    return this.#line.source;
  }

  /** The line of a row that has been read already. */
  sourceOf(row: number): SourceLine | undefined {
    return this.#lines[row]?.source;
  }

  get atLineEnd(): boolean {
    return this.index >= this.#line.end;
  }

  get char(): string {
    return this.atLineEnd ? "\n" : this.#line.source.raw.charAt(this.index);
  }

  /** The character before this one on its line. */
  get charBefore(): string {
    return this.#line.source.raw.charAt(this.index - 1);
  }

  get offset(): number {
    return this.#line.source.start + this.index;
  }

  /** Nothing but white space stands before this place on its line (or between it and the head). */
  get atLineStart(): boolean {
    return firstVisible(this.#line.source.raw, this.#line.from) === this.index;
  }

  /** The line from here on. */
  get rest(): string {
    return this.#line.source.raw.slice(this.index, this.#line.end);
  }

  /** The line up to here. */
  get before(): string {
    return this.#line.source.raw.slice(this.#line.from, this.index);
  }

  get inBlankLine(): boolean {
    return this.index === this.#line.from && this.#line.source.blank;
  }

  startsWith(text: string): boolean {
    return this.#line.source.raw.startsWith(text, this.index) && this.index + text.length <= this.#line.end;
  }

  advance(): void {
    if (this.atLineEnd) this.nextLine();
    else this.index++;
  }

  nextLine(): void {
    this.row++;
    this.index = this.#lines[this.row]?.from ?? 0;
  }

  skipSpace(): void {
    while (!this.done && isSpace(this.char)) this.advance();
  }

  mark(): Bookmark {
    return { row: this.row, index: this.index };
  }

  goTo(bookmark: Bookmark): void {
    this.row = bookmark.row;
    this.index = bookmark.index;
  }
}
