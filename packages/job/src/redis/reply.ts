/** Reading replies. A shape that this version does not understand is a QueueError, never a crash further on. */
import { QueueError } from "../errors.ts";
import type { Reply } from "./connection.ts";

export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (!Array.isArray(reply)) throw unexpected(reply);
  return reply as readonly Reply[]; // Array.isArray loses the element type of a readonly array
}

export function textOf(reply: Reply | undefined): string {
  if (!Buffer.isBuffer(reply)) throw unexpected(reply);
  return reply.toString();
}

/** A flat list of name, value, name, value … as a Map. Names are decoded with `encoding`, values stay bytes. */
export function pairsOf(
  flat: readonly Reply[],
  encoding: BufferEncoding = "utf8",
): ReadonlyMap<string, Buffer> {
  const map = new Map<string, Buffer>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [name, value] = [flat[i], flat[i + 1]];
    if (Buffer.isBuffer(name) && Buffer.isBuffer(value)) map.set(name.toString(encoding), value);
  }
  return map;
}

/** Translates the closed list of words that a script answers. */
export function wordOf<const T extends string>(reply: Reply, words: Readonly<Record<string, T>>): T {
  const text = textOf(reply);
  const answer = Object.hasOwn(words, text) ? words[text] : undefined;
  if (answer === undefined) throw unexpected(reply);
  return answer;
}

function unexpected(reply: Reply | undefined): QueueError {
  const shown = Buffer.isBuffer(reply) ? reply.toString().slice(0, 100) : typeof reply;
  return new QueueError(
    "REJECTED",
    `Redis answered ${JSON.stringify(shown)}, which this version does not understand`,
  );
}
