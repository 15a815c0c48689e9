/** "Did you mean": the known name nearest to a mistyped one, when it is near enough to be worth saying. */

/** The known name that `typed` was probably meant to be: few typing slips away, or the only one it is the start of. */
export function suggest(typed: string, known: Iterable<string>): string | undefined {
  if (typed.length > 64) return undefined;
  const names = [...new Set(known)];
  let nearest: { name: string; slips: number } | undefined;
  for (const name of names) {
    const slips = typingSlips(typed, name);
    if (
      slips <= Math.max(1, Math.floor(name.length / 3)) &&
      (nearest === undefined || slips < nearest.slips)
    ) {
      nearest = { name, slips };
    }
  }
  if (nearest !== undefined) return nearest.name;
  const longer = typed.length < 3 ? [] : names.filter((name) => name.startsWith(typed));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Letters to insert, drop, change or swap with their neighbour to get from one word to the other. */
function typingSlips(from: string, to: string): number {
  const a = from.toLowerCase().replaceAll("_", "-");
  const b = to.toLowerCase().replaceAll("_", "-");
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const changed = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const inserted = (current[column - 1] ?? 0) + 1;
      const dropped = (previous[column] ?? 0) + 1;
      const swaps = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swapped = swaps ? (beforePrevious[column - 2] ?? 0) + 1 : Infinity;
      current.push(Math.min(changed, inserted, dropped, swapped));
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The hint of an error message: the name that was probably meant, or another sentence. */
export function didYouMean(name: string | undefined, otherwise: string): string {
  return name === undefined ? otherwise : `Did you mean ${name}?`;
}
