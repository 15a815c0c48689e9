/**
 * Where a file of the repository stands on the site, and where a link leads. Pages of docs/ lie on top; what they link to
 * beside them (examples, sources, folders) is shown too, so that no link leaves the site.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, extname, join, posix } from "node:path";

/**
 * @typedef {"page" | "source" | "folder" | "image"} Kind
 * @typedef {{ path: string, kind: Kind, url: string }} Place
 */

const special = new Map([
  ["docs/README.md", "index.html"],
  ["README.md", "overview.html"],
]);

/** @param {string} root @param {string} path From the root of the repository. @returns {Place | undefined} */
export function placeOf(root, path) {
  if (!existsSync(join(root, path))) return undefined;
  if (statSync(join(root, path)).isDirectory())
    return { path, kind: "folder", url: `files/${path}/index.html` };
  if (/\.(svg|png|jpg)$/.test(path)) return { path, kind: "image", url: `images/${basename(path)}` };
  if (extname(path) !== ".md") return { path, kind: "source", url: `files/${path}.html` };
  // What lies at the root of the repository has names that pages of docs/ have too.
  const place = path.startsWith("docs/") ? path.slice("docs/".length) : `project/${path}`;
  const url = place.replace(/\.md$/, ".html").toLowerCase();
  return { path, kind: "page", url: special.get(path) ?? url };
}

/** @param {string} from Path of the page that holds the link. @param {string} href Relative, as written. */
export function targetOf(from, href) {
  const [file = "", anchor] = href.split("#");
  const path = file === "" ? from : posix.normalize(posix.join(posix.dirname(from), decodeURI(file)));
  return { path: path.replace(/\/$/, ""), anchor };
}

/** @param {string} href */
export function isRelative(href) {
  return !/^[a-z][a-z0-9+.-]*:|^\/\//i.test(href);
}

/** A URL of the site, as it is written on a page of the site. @param {string} fromUrl @param {string} toUrl */
export function relativeUrl(fromUrl, toUrl) {
  return posix.relative(posix.dirname(fromUrl), toUrl) || posix.basename(toUrl);
}

/** What a folder holds: its folders with a slash, then its files. @param {string} root @param {string} path */
export function entriesOf(root, path) {
  const entries = readdirSync(join(root, path), { withFileTypes: true }).filter(
    ({ name }) => !["node_modules", "dist"].includes(name) && !/^\.|\.tsbuildinfo$/.test(name),
  );
  const names = entries.map((entry) => ({ name: entry.name, folder: entry.isDirectory() }));
  return names.sort((a, b) => Number(b.folder) - Number(a.folder) || a.name.localeCompare(b.name));
}

/** @param {string} root @param {string} path */
export function textOf(root, path) {
  return readFileSync(join(root, path), "utf8");
}
