/**
 * Keeps the head and the tail of a byte stream within a fixed amount of memory and counts exactly what lay between.
 * Bytes are decoded once, at the end, so that no chunk border can split a character; invalid bytes become U+FFFD.
 */
import { createHash, hash, type Hash } from "node:crypto";

export interface CaptureLimits {
  /** Bytes kept from the start of a stream. */
  readonly headBytes: number;
  /** Bytes kept from its end. */
  readonly tailBytes: number;
}

export const defaultCaptureLimits: CaptureLimits = { headBytes: 512 * 1024, tailBytes: 512 * 1024 };

const sha256OfNothing = hash("sha256", "");

export interface Captured {
  /** Head and tail as text, with the line {@link leftOutLine} between them when something was left out. */
  readonly text: string;
  /** Bytes given to `add`. */
  readonly bytes: number;
  /** Bytes that are not in `text`: `bytes` = kept + dropped. */
  readonly droppedBytes: number;
  /** SHA-256 of all bytes given to `add`, hex. */
  readonly sha256: string;
}

/** The line that stands for the missing middle. */
export function leftOutLine(bytes: number): string {
  return `\n… [${bytes} bytes left out] …\n`;
}

/** One stream being kept. `add` copies what it keeps: the caller may reuse the chunk. */
export class Capture {
  readonly #limits: CaptureLimits;
  readonly #head: Buffer[] = [];
  #headLength = 0;
  /** A ring of the last `tailBytes` bytes after the head; made when the head is full. */
  #ring: Buffer | undefined;
  #afterHead = 0;
  #hash: Hash | undefined;

  constructor(limits: CaptureLimits = defaultCaptureLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#headLength + this.#afterHead;
  }

  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#addToHash(chunk);
    const forHead = Math.min(chunk.length, this.#limits.headBytes - this.#headLength);
    if (forHead > 0) {
      this.#head.push(Buffer.from(chunk.subarray(0, forHead)));
      this.#headLength += forHead;
    }
    if (forHead < chunk.length) this.#addToRing(chunk.subarray(forHead));
  }

  /** What is one piece, kept whole, is hashed at the end, which is cheaper. */
  #addToHash(chunk: Uint8Array): void {
    const isFirst = this.bytes === 0;
    if (isFirst && chunk.length <= this.#limits.headBytes) return;
    if (this.#hash === undefined) {
      this.#hash = createHash("sha256");
      for (const earlier of this.#head) this.#hash.update(earlier);
    }
    this.#hash.update(chunk);
  }

  /** What was kept of the head so far, `most` bytes of it. */
  start(most: number): string {
    return Buffer.concat(this.#head, Math.min(most, this.#headLength)).toString("utf8");
  }

  /** Ends the stream. Call it once, after the last `add`. */
  finish(): Captured {
    if (this.#hash === undefined) {
      const [only] = this.#head;
      if (only === undefined) return { text: "", bytes: 0, droppedBytes: 0, sha256: sha256OfNothing };
      const sha256 = hash("sha256", only);
      return { text: only.toString("utf8"), bytes: only.length, droppedBytes: 0, sha256 };
    }
    const sha256 = this.#hash.digest("hex");
    const head = Buffer.concat(this.#head, this.#headLength);
    const tail = this.#tail();
    const bytes = this.bytes;
    if (bytes === head.length + tail.length) {
      return { text: Buffer.concat([head, tail]).toString("utf8"), bytes, droppedBytes: 0, sha256 };
    }
    const keptHead = head.subarray(0, head.length - brokenEnd(head));
    const keptTail = tail.subarray(brokenStart(tail));
    const droppedBytes = bytes - keptHead.length - keptTail.length;
    const text = keptHead.toString("utf8") + leftOutLine(droppedBytes) + keptTail.toString("utf8");
    return { text, bytes, droppedBytes, sha256 };
  }

  #addToRing(chunk: Uint8Array): void {
    const size = this.#limits.tailBytes;
    const last = chunk.length > size ? chunk.subarray(chunk.length - size) : chunk;
    this.#afterHead += chunk.length;
    if (size === 0) return;
    this.#ring ??= Buffer.allocUnsafeSlow(size);
    const start = (this.#afterHead - last.length) % size;
    const untilWrap = Math.min(last.length, size - start);
    this.#ring.set(last.subarray(0, untilWrap), start);
    this.#ring.set(last.subarray(untilWrap), 0);
  }

  #tail(): Buffer {
    const ring = this.#ring;
    if (ring === undefined) return Buffer.alloc(0);
    if (this.#afterHead <= ring.length) return ring.subarray(0, this.#afterHead);
    const end = this.#afterHead % ring.length;
    return Buffer.concat([ring.subarray(end), ring.subarray(0, end)]);
  }
}

/** How many bytes at the end of `bytes` begin a UTF-8 character without finishing it: 0 to 3. */
export function brokenEnd(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc0) return back < characterLength(byte) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

/** How many bytes at the start of `bytes` are the rest of a UTF-8 character that began before them: 0 to 3. */
function brokenStart(bytes: Uint8Array): number {
  let count = 0;
  while (count < 3 && ((bytes[count] ?? 0) & 0xc0) === 0x80) count += 1;
  return count;
}

function characterLength(lead: number): number {
  if (lead >= 0xf8) return 1;
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}
