/**
 * Names as heroscript sees them: lower case, `a-z 0-9 _`, everything else turned into an underscore or dropped; and
 * the nearest known name for one that was mistyped.
 */

const turnedToUnderscore = new Set(["-", ";", ":", ".", " "]);

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (char) => char.toLowerCase());
}

/** Actor and action names, list items of `list_namefix` and the keys that getters ask for. */
export function fixName(name: string): string {
  let fixed = "";
  let previous = "";
  for (const char of lowerAscii(name)) {
    if (char === "#") break;
    if (char === "_") {
      if (previous !== "_") fixed += "_";
    } else if (turnedToUnderscore.has(char)) {
      if (previous !== "_") fixed += "_";
    } else if (/[a-z0-9]/.test(char)) fixed += char;
    previous = char;
  }
  return fixed;
}

/** As fixName, but the last `.extension` stays. */
export function fixNameKeepExtension(name: string): string {
  const dot = name.lastIndexOf(".");
  if (dot <= 0 || dot === name.length - 1) return fixName(name);
  return `${fixName(name.slice(0, dot))}.${fixName(name.slice(dot + 1))}`;
}

/** Keys of parameters: lower case, outer white space and a leading slash removed. */
export function fixKey(key: string): string {
  return lowerAscii(key.trim()).replace(/^\/+/, "");
}

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  let beforePrevious: number[] = [];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a.charAt(i - 1) === b.charAt(j - 1);
      let best = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        i > 1 && j > 1 && a.charAt(i - 1) === b.charAt(j - 2) && a.charAt(i - 2) === b.charAt(j - 1);
      if (swapped) best = Math.min(best, (beforePrevious[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The known name that is most like the given one, or undefined when none is near enough to be meant. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  const wanted = name.slice(0, 64);
  for (const candidate of known) {
    const steps = distance(wanted, candidate);
    const reach = Math.max(1, Math.ceil(Math.min(candidate.length, wanted.length) / 3));
    const contained =
      wanted.length >= 3 &&
      candidate.length >= 3 &&
      (candidate.includes(wanted) || wanted.includes(candidate));
    const score = contained && steps > reach ? reach + 0.5 : steps;
    if ((steps <= reach || contained) && score < bestDistance) {
      best = candidate;
      bestDistance = score;
    }
  }
  return best;
}
