/**
 * Builds the site: begins at docs/README.md, whose questions are its navigation, and follows every relative link. Throws a
 * sentence for each link that leads nowhere.
 */
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { escapeHtml, highlight } from "./highlight.mjs";
import { frame } from "./layout.mjs";
import { entriesOf, isRelative, placeOf, relativeUrl, targetOf, textOf } from "./places.mjs";
import { render } from "./render.mjs";

/**
 * @typedef {import("./places.mjs").Place} Place
 * @typedef {import("./render.mjs").Rendered & { place: Place }} Built
 * @typedef {{ root: string, pages: Map<string, Built>, images: Map<string, Place>, open: Place[], problems: string[] }} Work
 */

const home = "docs/README.md";
const longestSourceBytes = 200_000;

/** @param {string} root The repository. @param {string} folder Is emptied first. */
export async function buildSite(root, folder) {
  /** @type {Work} */
  const work = { root, pages: new Map(), images: new Map(), open: [], problems: [] };
  want(work, home);
  want(work, "README.md");
  for (let place = work.open.shift(); place !== undefined; place = work.open.shift()) {
    work.pages.set(place.path, { ...build(work, place), place });
  }
  if (work.problems.length > 0) throw new Error(`links that lead nowhere:\n${work.problems.join("\n")}`);
  write(work, folder);
  return { pages: work.pages.size, folder };
}

/** @param {Work} work @param {string} path @returns {Place | undefined} */
function want(work, path) {
  const place = placeOf(work.root, path);
  if (place === undefined) return undefined;
  if (place.kind === "image") work.images.set(path, place);
  else if (!work.pages.has(path)) {
    if ([...work.pages.values()].some((other) => other.place.url === place.url)) {
      throw new Error(`two pages would stand at ${place.url}; one of them is ${path}`);
    }
    // Marked before it is built, so that pages may link to each other.
    work.pages.set(path, { html: "", title: "", headings: [], sections: [], place });
    work.open.push(place);
  }
  return place;
}

/** @param {Work} work @param {Place} place @returns {import("./render.mjs").Rendered} */
function build(work, place) {
  if (place.kind === "folder") return folderPage(work, place);
  const text = textOf(work.root, place.path);
  if (place.kind === "source") return sourcePage(place, text);
  return render(text, (href) => {
    if (!isRelative(href)) return href;
    const { path, anchor } = targetOf(place.path, href);
    const target = want(work, path);
    if (target === undefined) {
      work.problems.push(`${place.path}: ${href}`);
      return href;
    }
    const url = target.path === place.path && anchor !== undefined ? "" : relativeUrl(place.url, target.url);
    return anchor === undefined ? url : `${url}#${anchor}`;
  });
}

/** @param {Place} place @param {string} text */
function sourcePage({ path }, text) {
  const shown =
    text.length > longestSourceBytes ? `${text.slice(0, 2000)}\n… ${text.length} characters in all` : text;
  const code = highlight(shown, extname(path).slice(1));
  const html = `<h1>${escapeHtml(path)}</h1>\n<pre tabindex="0"><code>${code}</code></pre>\n`;
  return { html, title: path, headings: [], sections: [] };
}

/** @param {Work} work @param {Place} place */
function folderPage(work, { path, url }) {
  const rows = entriesOf(work.root, path).map(({ name, folder }) => {
    const target = folder ? undefined : want(work, `${path}/${name}`);
    const label = escapeHtml(folder ? `${name}/` : name);
    return target === undefined
      ? `<li>${label}</li>`
      : `<li><a href="${escapeHtml(relativeUrl(url, target.url))}">${label}</a></li>`;
  });
  const html = `<h1>${escapeHtml(path)}</h1>\n<ul>\n${rows.join("\n")}\n</ul>\n`;
  return { html, title: path, headings: [], sections: [] };
}

/** @param {Work} work @returns {import("./layout.mjs").Group[]} */
function groupsOf(work) {
  const html = work.pages.get(home)?.html ?? "";
  return html
    .split(/<h2 id="[^"]*">/)
    .slice(1)
    .map((part) => ({
      heading: unescaped(part.split("<a class")[0] ?? ""),
      items: [...part.matchAll(/<li>\s*(?:<p>)?<a href="([^"]*)">(.*?)<\/a>/gs)].map(
        ([, url = "", text = ""]) => ({
          url,
          text: unescaped(text.replaceAll(/<[^>]*>/g, "")),
        }),
      ),
    }));
}

/** @param {string} html */
function unescaped(html) {
  return html
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}

/** @param {Work} work @param {string} folder */
function write(work, folder) {
  rmSync(folder, { recursive: true, force: true });
  const { root } = work;
  const groups = groupsOf(work);
  const built = [...work.pages.values()];
  const order = [
    ...new Set(["index.html", ...groups.flatMap(({ items }) => items.map(({ url }) => url.split("#")[0]))]),
  ];
  const inOrder = order.flatMap((url) => built.filter(({ place }) => place.url === url));
  for (const page of built) {
    const { url, path } = page.place;
    const at = inOrder.indexOf(page);
    /** @param {Built | undefined} other */
    const neighbour = (other) =>
      other === undefined ? undefined : { url: other.place.url, title: other.title };
    const previous = at > 0 ? neighbour(inOrder[at - 1]) : undefined;
    const next = at >= 0 ? neighbour(inOrder[at + 1]) : undefined;
    put(folder, url, frame({ ...page, url, path, groups, previous, next }));
  }
  for (const { path, url } of work.images.values()) {
    mkdirSync(dirname(join(folder, url)), { recursive: true });
    cpSync(join(root, path), join(folder, url));
  }
  const assets = join(root, "site");
  for (const name of readdirSync(assets)) cpSync(join(assets, name), join(folder, "assets", name));
  put(folder, "assets/search-index.js", searchIndex(built));
}

/** A script and not JSON, so that it can be read without a server too. @param {Built[]} built */
function searchIndex(built) {
  const rows = built
    .filter(({ place }) => place.kind === "page")
    .flatMap(({ place, title, sections }) =>
      sections.map(({ heading, anchor, text }) => [`${place.url}#${anchor}`, title, heading, text]),
    );
  return `globalThis.searchIndex = ${JSON.stringify(rows)};\n`;
}

/** @param {string} folder @param {string} url @param {string} text */
function put(folder, url, text) {
  mkdirSync(dirname(join(folder, url)), { recursive: true });
  writeFileSync(join(folder, url), text);
}
