/** Colours for heroscript. Only colours: it never fails, and what it does not know it leaves as it is. */
import { h } from "./dom.js";

const action = /^(\s*)(!{1,4})([A-Za-z0-9_]+)(?:(\.)([A-Za-z0-9_]+))?/;
const words =
  /(\/\/.*$)|("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|`(?:[^`\\]|\\.)*`?)|(\$\{[^}]*\})|([A-Za-z_][A-Za-z0-9_-]*)(?=:(?!\/\/))|\b(const|let|for|of|in|if|else|while|return|function|try|catch|throw|new|true|false|null|undefined)\b|\b(print|env|args|fail)\b|\b(\d+(?:\.\d+)?)\b/g;
const classes = ["comment", "string", "template", "key", "keyword", "builtin", "literal"];
/** Longer texts are not coloured. */
const maxLength = 200_000;

/** The text as nodes, line ends included. */
export function highlight(text) {
  if (text.length > maxLength) return [text];
  return text.split("\n").flatMap((line, at) => [...(at === 0 ? [] : ["\n"]), ...highlightLine(line)]);
}

export function highlightLine(line) {
  if (/^\s*(?:\/\/|#)/.test(line)) return [token("comment", line)];
  const nodes = [];
  let from = 0;
  const head = action.exec(line);
  if (head !== null) {
    nodes.push(
      head[1],
      token("bang", head[2]),
      token("action", line.slice(head[1].length + head[2].length, head[0].length)),
    );
    from = head[0].length;
  }
  const rest = line.slice(from);
  let at = 0;
  for (const found of rest.matchAll(words)) {
    const group = classes.findIndex((_, index) => found[index + 1] !== undefined);
    nodes.push(rest.slice(at, found.index), token(classes[group], found[0]));
    at = found.index + found[0].length;
  }
  nodes.push(rest.slice(at));
  return nodes;
}

function token(name, text) {
  return h("span", { class: `t-${name}` }, text);
}
