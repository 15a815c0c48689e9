/**
 * Asks about many things, some at a time. All at once would wait in one line on the one connection that all calls share, and
 * whatever is asked after them, or is at the end of them, would be given up as if Redis were away.
 */

const portion = 100;

/** What `ask` answers for each, in order. */
export async function inPortions<T, R>(things: readonly T[], ask: (thing: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let at = 0; at < things.length; at += portion) {
    answers.push(...(await Promise.all(things.slice(at, at + portion).map(ask))));
  }
  return answers;
}
