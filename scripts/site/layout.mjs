/** The frame around every page: questions on one side, search on top, the next page below. */
import { escapeHtml } from "./highlight.mjs";
import { relativeUrl } from "./places.mjs";

/**
 * @typedef {{ heading: string, items: { text: string, url: string }[] }} Group Questions under one heading.
 * @typedef {{ url: string, title: string }} Neighbour
 * @typedef {{
 *   url: string, title: string, html: string, path: string,
 *   headings: import("./render.mjs").Heading[], groups: Group[],
 *   previous?: Neighbour | undefined, next?: Neighbour | undefined,
 * }} Framed
 */

/** @param {Framed} page @returns {string} */
export function frame(page) {
  /** @param {string} url */
  const to = (url) => escapeHtml(relativeUrl(page.url, url));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(page.title)}${page.url === "index.html" ? "" : " · herorunner"}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to("assets/style.css")}">
<script src="${to("assets/site.js")}" data-root="${to("index.html").replace(/index\.html$/, "")}" defer></script>
</head>
<body>
<a class="skip" href="#content">To the text</a>
<header>
<a class="name" href="${to("index.html")}">herorunner</a>
<search>
<input id="search" type="search" placeholder="Search" aria-label="Search" aria-controls="found" autocomplete="off" spellcheck="false">
<div id="found" hidden></div>
</search>
<a class="to-questions" href="#questions">Questions</a>
</header>
<div class="columns">
<main id="content" tabindex="-1">
<article>
${page.html}</article>
${neighbours(page, to)}
</main>
${contents(page)}
<nav id="questions" aria-label="Questions">
${page.groups.map((group) => questions(group, page, to)).join("\n")}
</nav>
</div>
</body>
</html>
`;
}

/** @param {Group} group @param {Framed} page @param {(url: string) => string} to */
function questions({ heading, items }, page, to) {
  const rows = items.map(({ text, url }) => {
    const here = url === page.url ? ' aria-current="page"' : "";
    const [file = "", anchor] = url.split("#");
    return `<li><a href="${to(file)}${anchor === undefined ? "" : `#${anchor}`}"${here}>${escapeHtml(text)}</a></li>`;
  });
  return `<h2>${escapeHtml(heading)}</h2>\n<ul>\n${rows.join("\n")}\n</ul>`;
}

/** @param {Framed} page */
function contents({ headings }) {
  const shown = headings.filter(({ level }) => level === 2);
  if (shown.length < 2) return `<aside></aside>`;
  const rows = shown.map(
    ({ text, anchor }) => `<li><a href="#${escapeHtml(anchor)}">${escapeHtml(text)}</a></li>`,
  );
  return `<aside aria-label="On this page"><h2>On this page</h2>\n<ul>\n${rows.join("\n")}\n</ul></aside>`;
}

/** @param {Framed} page @param {(url: string) => string} to */
function neighbours({ previous, next }, to) {
  /** @param {string} word @param {string} arrow @param {Neighbour | undefined} page */
  const link = (word, arrow, page) =>
    page === undefined
      ? "<span></span>"
      : `<a rel="${word}" href="${to(page.url)}"><span>${arrow}</span> ${escapeHtml(page.title)}</a>`;
  return `<footer>${link("prev", "←", previous)}${link("next", "→", next)}</footer>`;
}
