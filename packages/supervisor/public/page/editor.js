/** A script editor: a text area with colours behind it, line numbers beside it, and what the parser of `hero check` says below. */
import { h, setText } from "./dom.js";
import { highlight } from "./highlight.js";

const lineHeight = 20;
let parser;
/** The very modules that `hero check` runs. */
const loadParser = () => (parser ??= import("./heroscript/index.js"));

export function scriptEditor({ id, onChange }) {
  const area = h("textarea", {
    ...{
      id,
      class: "editor-area",
      rows: 8,
      spellcheck: "false",
      autocapitalize: "none",
      autocomplete: "off",
    },
    ...{ wrap: "off", required: true, "aria-describedby": `${id}-problems` },
  });
  const colours = h("pre", { class: "editor-paint", "aria-hidden": "true" });
  const numbers = h("pre", { class: "editor-numbers", "aria-hidden": "true" });
  const problems = h("div", { id: `${id}-problems`, class: "editor-problems", role: "status" });
  const box = h("div", { class: "editor" }, numbers, h("div", { class: "editor-text" }, colours, area));
  let diagnostics = [];
  let turn = 0;
  const paint = () => {
    const lines = area.value.split("\n");
    colours.replaceChildren(...highlight(area.value), "\n");
    const bad = new Map(diagnostics.map((one) => [one.line, one.severity]));
    numbers.replaceChildren(
      ...lines.flatMap((_, at) => [h("span", { class: bad.get(at + 1) }, String(at + 1)), "\n"]),
    );
    area.style.height = `${Math.max(8, lines.length + 1) * lineHeight + 16}px`;
    area.style.width = `max(100%, ${Math.max(...lines.map(({ length }) => length)) + 4}ch)`;
  };
  const check = async () => {
    const own = (turn += 1);
    try {
      const { parseScript } = await loadParser();
      if (own !== turn) return;
      diagnostics = area.value.trim() === "" ? [] : parseScript(area.value).diagnostics;
      problems.replaceChildren(...problemList(area, diagnostics));
    } catch {
      setText(problems, "The script cannot be checked here.");
    }
    paint();
    onChange(diagnostics);
  };
  let timer;
  area.addEventListener("input", () => {
    paint();
    clearTimeout(timer);
    timer = setTimeout(() => void check(), 150);
  });
  paint();
  return { area, node: h("div", {}, box, problems), check, text: () => area.value };
}

function problemList(area, diagnostics) {
  if (area.value.trim() === "") return [];
  if (diagnostics.length === 0) return [h("p", { class: "good" }, "✓ The syntax is in order.")];
  const items = diagnostics
    .slice(0, 100)
    .map(({ severity, message, hint, line, column, length }) =>
      h(
        "li",
        { class: severity },
        h(
          "button",
          { type: "button", class: "link", onclick: () => select(area, { line, column, length }) },
          `${line}:${column}`,
        ),
        ` ${severity}: ${message}`,
        hint === undefined ? null : h("span", { class: "faint" }, ` Hint: ${hint}`),
      ),
    );
  return [h("ul", {}, ...items)];
}

function select(area, { line, column, length }) {
  const start =
    area.value
      .split("\n")
      .slice(0, line - 1)
      .reduce((sum, one) => sum + one.length + 1, 0) +
    column -
    1;
  area.focus();
  area.setSelectionRange(start, start + Math.max(1, length));
}
