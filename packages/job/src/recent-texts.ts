/**
 * Texts of the last while, oldest first, in few large pieces of memory outside of the collector's heap. Thousands of small
 * buffers would be shares of pools in which other buffers lie too, and would hold several times their own size.
 */

export interface RecentTextsOptions {
  readonly keepMs: number;
  /** What all pieces may take; the oldest go first. A text that is larger is not kept. */
  readonly maxBytes: number;
  readonly monotonicMs: () => number;
}

/** A piece, and how much of it is used: texts one after the other, each behind its time and its length. */
interface Piece {
  readonly bytes: Buffer;
  used: number;
  newestMs: number;
}

const timeBytes = 8;
const headBytes = timeBytes + 4;
/** When one piece goes, no more than this part of everything goes with it. */
const pieces = 64;

export class RecentTexts {
  readonly #options: RecentTextsOptions;
  readonly #pieceBytes: number;
  #pieces: Piece[] = [];
  #bytes = 0;

  constructor(options: RecentTextsOptions) {
    this.#options = options;
    this.#pieceBytes = Math.ceil(options.maxBytes / pieces);
  }

  add(text: string): void {
    const length = Buffer.byteLength(text);
    const needed = headBytes + length;
    if (needed > this.#options.maxBytes) return;
    const atMs = this.#options.monotonicMs();
    const piece = this.#pieceWith(needed, atMs);
    piece.bytes.writeDoubleLE(atMs, piece.used);
    piece.bytes.writeUInt32LE(length, piece.used + timeBytes);
    piece.bytes.write(text, piece.used + headBytes);
    piece.used += needed;
    piece.newestMs = atMs;
  }

  /** Those that are not too old yet. */
  all(): readonly string[] {
    const oldestMs = this.#options.monotonicMs() - this.#options.keepMs;
    const texts: string[] = [];
    for (const { bytes, used } of this.#pieces) {
      for (let at = 0; at < used;) {
        const end = at + headBytes + bytes.readUInt32LE(at + timeBytes);
        if (bytes.readDoubleLE(at) >= oldestMs) texts.push(bytes.toString("utf8", at + headBytes, end));
        at = end;
      }
    }
    return texts;
  }

  #pieceWith(room: number, nowMs: number): Piece {
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.used + room <= last.bytes.length) return last;
    const size = Math.max(room, this.#pieceBytes);
    const dropped = this.#dropUntil(size, nowMs - this.#options.keepMs);
    const bytes = dropped?.bytes.length === size ? dropped.bytes : Buffer.allocUnsafeSlow(size);
    const piece = { bytes, used: 0, newestMs: nowMs };
    this.#pieces.push(piece);
    this.#bytes += size;
    return piece;
  }

  /** Drops what is too old, and as much more as `room` needs. Answers a dropped piece, to be used again. */
  #dropUntil(room: number, oldestMs: number): Piece | undefined {
    let dropped: Piece | undefined;
    for (let [first] = this.#pieces; first !== undefined; [first] = this.#pieces) {
      if (first.newestMs >= oldestMs && this.#bytes + room <= this.#options.maxBytes) break;
      this.#bytes -= first.bytes.length;
      dropped = this.#pieces.shift();
    }
    return dropped;
  }
}
