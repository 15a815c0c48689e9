/** Code in colours: the languages of our pages, and heroscript, which nobody else knows. */
import { createRequire } from "node:module";

// Not imported: its types bring those of a browser along, for every file that is compiled with this one.
const load = createRequire(import.meta.url);
const hljs = load("highlight.js/lib/core");
const languages = {
  bash: load("highlight.js/lib/languages/bash"),
  ini: load("highlight.js/lib/languages/ini"),
  javascript: load("highlight.js/lib/languages/javascript"),
  json: load("highlight.js/lib/languages/json"),
  lua: load("highlight.js/lib/languages/lua"),
  python: load("highlight.js/lib/languages/python"),
  typescript: load("highlight.js/lib/languages/typescript"),
  yaml: load("highlight.js/lib/languages/yaml"),
};
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);
hljs.registerLanguage("hero", heroscript);

/** @param {any} api */
function heroscript(api) {
  return {
    name: "heroscript",
    contains: [
      api.COMMENT("//", "$"),
      { className: "title", begin: /^\s*!{1,4}[\w.-]+/ },
      { className: "attr", begin: /\b[\w./]+(?=:\S)/ },
      { className: "string", begin: /'/, end: /'/ },
      { className: "string", begin: /"/, end: /"/ },
      { className: "string", begin: /`/, end: /`/ },
      {
        className: "keyword",
        begin: /\b(?:const|let|for|of|in|if|else|while|return|function|throw|try|catch|new)\b/,
      },
      { className: "built_in", begin: /\b(?:print|env|args|fail)\b/ },
      api.C_NUMBER_MODE,
    ],
  };
}

/** Info string or file ending → language. */
const names = new Map(
  Object.entries({
    ...{ sh: "bash", bash: "bash", ts: "typescript", js: "javascript", mjs: "javascript", cjs: "javascript" },
    ...{ json: "json", hero: "hero", toml: "ini", ini: "ini", service: "ini", conf: "ini", socket: "ini" },
    ...{ py: "python", python: "python", yaml: "yaml", yml: "yaml", lua: "lua" },
  }),
);

/** HTML of the code; every character that means something in HTML is escaped. @param {string} code @param {string} name */
export function highlight(code, name) {
  if (name === "console") return transcript(code);
  const language = names.get(name);
  return language === undefined ? escapeHtml(code) : hljs.highlight(code, { language }).value;
}

/** Commands behind `$ ` and `> ` in colours, their answers plain. @param {string} code */
function transcript(code) {
  return code.replaceAll(/^(?:([$>] )(.*)|(.*))$/gm, (_line, prompt, command, answer) =>
    prompt === undefined
      ? `<span class="answer">${escapeHtml(answer ?? "")}</span>`
      : `<span class="prompt">${escapeHtml(prompt)}</span>${hljs.highlight(command, { language: "bash" }).value}`,
  );
}

/** @param {string} text */
export function escapeHtml(text) {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
