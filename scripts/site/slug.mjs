/** Anchors of headings, as the places where people read our pages make them: the site and the test of links agree by this. */

/** @param {string} text A heading without its marks. */
function slug(text) {
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** For the headings of one page, in order: a repeated one gets a number. */
export function createSlugs() {
  /** @type {Map<string, number>} */
  const seen = new Map();
  /** @param {string} text */
  return (text) => {
    const base = slug(text);
    const times = seen.get(base) ?? 0;
    seen.set(base, times + 1);
    return times === 0 ? base : `${base}-${times}`;
  };
}
