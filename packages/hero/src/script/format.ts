/**
 * Rewrites the actions of a text in one style and leaves everything else as it is: statements, prose, comments, the
 * order of parameters. Meaning never changes, and formatting twice is formatting once.
 */
import type { Action, Entry, Script } from "./ast.ts";
import { writeName, writeParameter, writeWord } from "./print.ts";

const longestLine = 100;

/** The script must have been read without errors. Lines end in LF. */
export function formatScript(script: Script): string {
  const actions = new Map(script.actions.map((action) => [action.line, action]));
  const lines: string[] = [];
  let index = 0;
  while (index < script.lines.length) {
    const line = script.lines[index];
    if (line === undefined) break;
    const action = line.role === "action" ? actions.get(line.number) : undefined;
    if (action === undefined) {
      lines.push(line.role === "blank" ? "" : line.raw);
      index++;
    } else {
      lines.push(...formatAction(action, /^\s*/.exec(line.raw)?.[0] ?? ""));
      index = action.lastLine;
    }
  }
  while (lines.length > 0 && lines.at(-1) === "") lines.pop();
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function formatAction(action: Action, outer: string): string[] {
  const head = `${"!".repeat(action.bangs)}${writeName(action.actor, action.name)}`;
  const onOneLine = oneLine(action, head, outer);
  return onOneLine === undefined ? severalLines(action, head, outer) : [onOneLine];
}

function oneLine(action: Action, head: string, outer: string): string | undefined {
  if (action.lastLine > action.line) return undefined;
  const words = [head];
  for (const [index, entry] of action.entries.entries()) {
    const last = index === action.entries.length - 1;
    if (entry.kind === "comment" && (!entry.trailing || !last)) return undefined;
    const [first = "", ...more] = entryLines(entry, outer);
    if (more.length > 0) return undefined;
    words.push(first);
  }
  const line = outer + words.join(" ");
  const tooLong = line.length > longestLine && action.entries.some((entry) => entry.kind === "parameter");
  return tooLong ? undefined : line;
}

function severalLines(action: Action, head: string, outer: string): string[] {
  const inner = `${outer}    `;
  const lines = [outer + head];
  let headOnly = true;
  let onText = false;
  for (const entry of action.entries) {
    const [first = "", ...more] = entryLines(entry, inner);
    const joins =
      (entry.kind === "argument" && headOnly) || (entry.kind === "comment" && entry.trailing && !onText);
    if (joins && !/(?:^|\s)\/\/ ?/.test(lines.at(-1)?.slice(outer.length) ?? "")) {
      lines[lines.length - 1] += ` ${first}`;
    } else lines.push(inner + first, ...more);
    if (entry.kind !== "argument") headOnly = false;
    onText = more.length > 0;
  }
  return lines;
}

function entryLines(entry: Entry, indent: string): string[] {
  switch (entry.kind) {
    case "parameter":
      return writeParameter(entry, indent);
    case "argument":
      return [writeWord(entry.value)];
    case "comment": {
      // A comment with a quote in it would end at -/.
      const text = /['"]/.test(entry.text) ? entry.text.replaceAll("-/", "- /") : entry.text;
      return [`// ${text}`.trimEnd()];
    }
  }
}
