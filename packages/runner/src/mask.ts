/**
 * Replaces secrets in a byte stream by `***`, however the stream is cut into chunks. The automaton of Aho and Corasick
 * finds every occurrence of every secret in one pass whose cost does not depend on how many secrets there are or how
 * they overlap: both the secrets and the output come from jobs, and a slow search would stall the runner.
 * Overlapping occurrences become one `***`, so that no piece of either shows.
 */

/** Shorter values are not masked: hiding every `1` or `true` hides nothing and ruins the output. */
const minimumSecretBytes = 6;

const replacement = Buffer.from("***");
const root = 0;

/** A stream that has become this long is worth a table of all transitions, if that is not larger than `maxTableStates`. */
const longStreamBytes = 256 * 1024;
const maxTableStates = 1024;

/** The secrets of a job, prepared for searching. One can serve many streams. */
export class MaskPatterns {
  /** Transitions by `state * 256 + byte`. */
  readonly #next = new Map<number, number>();
  /** From the start state, for speed: most bytes begin no secret. */
  readonly #first = new Int32Array(256);
  readonly #fail: number[] = [root];
  /** How many of the last bytes are the beginning of a secret, by state. */
  readonly #depth: number[] = [0];
  /** Length of the longest secret that ends here, by state; 0 for none. */
  readonly #longest: number[] = [0];
  #table: Int32Array | undefined;

  static readonly #none = new MaskPatterns([]);

  /** Most jobs have no secrets and share one. */
  static of(secrets: readonly string[]): MaskPatterns {
    return secrets.length === 0 ? MaskPatterns.#none : new MaskPatterns(secrets);
  }

  /** A secret of several lines is also masked line by line: programs like to indent or prefix lines. */
  constructor(secrets: Iterable<string>) {
    for (const secret of secrets) {
      this.#insert(Buffer.from(secret));
      const lines = secret.split(/\r\n|\r|\n/);
      if (lines.length > 1) for (const line of lines) this.#insert(Buffer.from(line.trim()));
    }
    this.#linkFailures();
  }

  get isEmpty(): boolean {
    return this.#depth.length === 1;
  }

  /** The state after `byte`: the longest end of the bytes so far that begins a secret. */
  step(state: number, byte: number): number {
    let from = state;
    while (from !== root) {
      const to = this.#next.get(from * 256 + byte);
      if (to !== undefined) return to;
      from = this.#fail[from] ?? root;
    }
    return this.#first[byte] ?? root;
  }

  /**
   * All transitions by `state * 256 + byte`, made when first asked for; undefined when it would be too large. A state
   * in which a secret ends is written as its complement, below 0.
   */
  table(): Int32Array | undefined {
    const states = this.#depth.length;
    if (states > maxTableStates) return undefined;
    if (this.#table === undefined) {
      this.#table = new Int32Array(states * 256);
      for (let index = 0; index < this.#table.length; index += 1) {
        const state = this.step(index >>> 8, index & 0xff);
        this.#table[index] = this.longestEndingAt(state) > 0 ? ~state : state;
      }
    }
    return this.#table;
  }

  depth(state: number): number {
    return this.#depth[state] ?? 0;
  }

  longestEndingAt(state: number): number {
    return this.#longest[state] ?? 0;
  }

  #insert(secret: Buffer): void {
    if (secret.length < minimumSecretBytes) return;
    let state = root;
    for (const byte of secret) {
      let to = state === root ? (this.#first[byte] ?? root) : (this.#next.get(state * 256 + byte) ?? root);
      if (to === root) {
        to = this.#depth.push((this.#depth[state] ?? 0) + 1) - 1;
        this.#longest.push(0);
        this.#fail.push(root);
        if (state === root) this.#first[byte] = to;
        else this.#next.set(state * 256 + byte, to);
      }
      state = to;
    }
    this.#longest[state] = secret.length;
  }

  /** By rising depth, for the link of a state needs those of all shallower ones. */
  #linkFailures(): void {
    const edges = [...this.#next].sort(
      ([a], [b]) => this.depth(Math.floor(a / 256)) - this.depth(Math.floor(b / 256)),
    );
    for (const [key, to] of edges) {
      const from = Math.floor(key / 256);
      const link = this.step(this.#fail[from] ?? root, key % 256);
      this.#fail[to] = link;
      this.#longest[to] = Math.max(this.longestEndingAt(to), this.longestEndingAt(link));
    }
  }
}

/** One masked stream. What might be the beginning of a secret is held back until it is known. */
export class StreamMask {
  /** Occurrences replaced so far. */
  count = 0;
  readonly #patterns: MaskPatterns;
  #state = root;
  #total = 0;
  /** Bytes held back: the beginning of a secret, perhaps. */
  #held: Buffer = Buffer.alloc(0);
  /** Found occurrences, merged, as [start, end) counted from the first held byte. A start below 0 was already shown as `***`. */
  #found: [start: number, end: number][] = [];

  constructor(patterns: MaskPatterns) {
    this.#patterns = patterns;
  }

  /** Answers what may be shown now. The answer may share memory with `chunk`. */
  add(chunk: Uint8Array): Uint8Array {
    const text = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#total += chunk.length;
    const table = this.#total > longStreamBytes ? this.#patterns.table() : undefined;
    this.#state = table === undefined ? this.#search(text) : this.#searchByTable(text, table);
    return this.#release(text, text.length - this.#patterns.depth(this.#state));
  }

  /** Answers the rest. */
  finish(): Uint8Array {
    return this.#release(this.#held, this.#held.length);
  }

  #search(text: Uint8Array): number {
    let state = this.#state;
    for (let index = this.#held.length; index < text.length; index += 1) {
      state = this.#patterns.step(state, text[index] ?? 0);
      if (state !== root) this.#noteAt(index, state);
    }
    return state;
  }

  #searchByTable(text: Uint8Array, table: Int32Array): number {
    let state = this.#state;
    for (let index = this.#held.length; index < text.length; index += 1) {
      state = table[state * 256 + (text[index] ?? 0)] ?? root;
      if (state >= 0) continue;
      state = ~state;
      this.#noteAt(index, state);
    }
    return state;
  }

  #noteAt(index: number, state: number): void {
    const length = this.#patterns.longestEndingAt(state);
    if (length > 0) this.#note(index + 1 - length, index + 1);
  }

  #note(start: number, end: number): void {
    let from = start;
    for (let last = this.#found.at(-1); last !== undefined && last[1] > from; last = this.#found.at(-1)) {
      from = Math.min(from, last[0]);
      this.#found.pop();
    }
    this.#found.push([from, end]);
  }

  /** Shows `text` up to `until` and holds the rest. */
  #release(text: Uint8Array, until: number): Uint8Array {
    this.#held = Buffer.from(text.subarray(until));
    if (this.#found.length === 0) return text.subarray(0, until);
    const parts: Uint8Array[] = [];
    const later: [number, number][] = [];
    let shown = 0;
    for (const [start, end] of this.#found) {
      if (start < until) {
        if (start >= shown) parts.push(text.subarray(shown, start));
        if (start >= 0) {
          parts.push(replacement);
          this.count += 1;
        }
        shown = Math.min(end, until);
      }
      // -1 marks an occurrence that reaches into the held bytes and is already shown.
      if (end > until) later.push([start < until ? -1 : start - until, end - until]);
    }
    parts.push(text.subarray(shown, until));
    this.#found = later;
    return Buffer.concat(parts);
  }
}
