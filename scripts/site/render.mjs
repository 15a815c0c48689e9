/** Markdown → HTML with anchors, links that stay on the site, and the sections for the search. */
import MarkdownIt from "markdown-it";
import { escapeHtml, highlight } from "./highlight.mjs";
import { createSlugs } from "./slug.mjs";

/**
 * @typedef {{ level: number, text: string, anchor: string }} Heading
 * @typedef {{ heading: string, anchor: string, text: string }} Section
 * @typedef {{ html: string, title: string, headings: Heading[], sections: Section[] }} Rendered
 * @typedef {import("markdown-it").Token} Token
 */

const markdown = new MarkdownIt({ html: false, linkify: false });
const { rules } = markdown.renderer;

rules["fence"] = (tokens, index) => {
  const token = tokens[index];
  const language = token?.info.trim().split(/\s+/)[0] ?? "";
  const name = language === "" ? "" : ` data-language="${escapeHtml(language)}"`;
  // A long line is scrolled, which the keyboard must reach too.
  return `<pre tabindex="0"${name}><code>${highlight(token?.content ?? "", language)}</code></pre>\n`;
};
rules["table_open"] = () => `<div class="scroll" tabindex="0" role="region" aria-label="table"><table>\n`;
rules["table_close"] = () => "</table></div>\n";
rules["heading_open"] = (tokens, index) => {
  const token = tokens[index];
  return `<${token?.tag} id="${escapeHtml(String(token?.attrGet("id") ?? ""))}">`;
};
rules["heading_close"] = (tokens, index) => {
  const token = tokens[index];
  const anchor = escapeHtml(String(token?.attrGet("id") ?? ""));
  const link = `<a class="anchor" href="#${anchor}" aria-label="link to this section">#</a>`;
  return `${token?.tag === "h1" ? "" : link}</${token?.tag}>\n`;
};

/**
 * @param {string} text
 * @param {(href: string) => string} linkTo What a link or an image of this page becomes on the site.
 * @returns {Rendered}
 */
export function render(text, linkTo) {
  const tokens = markdown.parse(text, {});
  const slugs = createSlugs();
  /** @type {Heading[]} */
  const headings = [];
  for (const [index, token] of tokens.entries()) {
    for (const child of token.children ?? []) rewrite(child, linkTo);
    if (token.type !== "heading_open") continue;
    const words = plain(tokens[index + 1]);
    const anchor = slugs(words);
    token.attrSet("id", anchor);
    tokens[index + 2]?.attrSet("id", anchor);
    headings.push({ level: Number(token.tag.slice(1)), text: words, anchor });
  }
  const pictured = tokens.map((token) => picture(token, linkTo));
  return {
    html: markdown.renderer.render(pictured, markdown.options, {}),
    title: headings[0]?.text ?? "",
    headings,
    sections: sectionsOf(tokens),
  };
}

/** @param {Token} token @param {(href: string) => string} linkTo */
function rewrite(token, linkTo) {
  const name = token.type === "image" ? "src" : token.type === "link_open" ? "href" : undefined;
  if (name !== undefined) token.attrSet(name, linkTo(String(token.attrGet(name) ?? "")));
}

/** The one diagram that is kept as text, because a test reads it, is shown as the picture of the same. @param {Token} token @param {(href: string) => string} linkTo */
function picture(token, linkTo) {
  if (token.type !== "fence" || token.info !== "mermaid" || !token.content.startsWith("stateDiagram"))
    return token;
  const [paragraph] = markdown.parse(`![The states of a job](${linkTo("images/job-life.svg")})`, {}).slice(1);
  return paragraph ?? token;
}

/** What a token says, without marks. @param {Token | undefined} token @returns {string} */
function plain(token) {
  if (token === undefined) return "";
  if (token.children === null || token.type === "image") return token.content;
  return token.children.map((child) => (child.type === "softbreak" ? " " : plain(child))).join("");
}

/** @param {Token[]} tokens */
function sectionsOf(tokens) {
  /** @type {Section[]} */
  const sections = [];
  for (const [index, token] of tokens.entries()) {
    if (token.type === "heading_open") {
      sections.push({ heading: plain(tokens[index + 1]), anchor: String(token.attrGet("id")), text: "" });
    } else if (token.type === "inline" || token.type === "fence") {
      const section = sections.at(-1);
      const ofHeading = tokens[index - 1]?.type === "heading_open";
      if (section !== undefined && !ofHeading) section.text += ` ${plain(token)}`;
    }
  }
  for (const section of sections) section.text = section.text.replaceAll(/\s+/g, " ").trim();
  return sections;
}
