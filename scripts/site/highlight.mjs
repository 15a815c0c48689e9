/** Code in colours: the languages of our pages, and heroscript, which nobody else knows. */
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import ini from "highlight.js/lib/languages/ini";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import lua from "highlight.js/lib/languages/lua";
import python from "highlight.js/lib/languages/python";
import typescript from "highlight.js/lib/languages/typescript";
import yaml from "highlight.js/lib/languages/yaml";

const languages = { bash, ini, javascript, json, lua, python, typescript, yaml };
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);
hljs.registerLanguage("hero", (api) => ({
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
}));

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
