/**
 * `name:value, other:value` as the replacements of an include.
 */

export interface Pairs {
  readonly pairs: ReadonlyMap<string, string>;
  /** The first item that is not a pair. */
  readonly fault?: string;
}

export function readPairs(text: string): Pairs {
  const pairs = new Map<string, string>();
  for (const item of text.split(",").map((part) => part.trim())) {
    if (item === "") continue;
    const colon = item.indexOf(":");
    if (colon <= 0) return { pairs, fault: item };
    pairs.set(item.slice(0, colon).trim(), item.slice(colon + 1).trim());
  }
  return { pairs };
}
