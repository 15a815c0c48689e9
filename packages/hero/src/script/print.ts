/**
 * Actions as text. Reading the text again gives the same action: that holds for every action the parser can return.
 */
import type { Action, Parameter, TemplatePiece } from "./ast.ts";
import { readParameters } from "./parameters.ts";
import { splitLines } from "./text.ts";

const bare = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const quoteLine = /^\s*(?:'''|"""|'|")\s*$/;

/** A value as it is written behind `name:`; a block needs lines of its own. */
export type WrittenValue =
  | { readonly inline: string }
  /** The lines between the quote that opens and the one that closes. */
  | { readonly block: readonly string[] };

function canBeBlock(lines: readonly string[]): boolean {
  return lines.every(
    (line) =>
      !quoteLine.test(line) &&
      !/^\s*!/.test(line) &&
      (line === "" || line.trim() !== "") &&
      !/[\v\f]/.test(line),
  );
}

export function writeValue(value: string, template?: readonly TemplatePiece[]): WrittenValue {
  const pieces = template === undefined ? undefined : writePieces(value, template);
  return pieces === undefined ? writeText(value) : { inline: pieces };
}

/** Expressions as they are, quotes and all; undefined where that would be read as something else. */
function writePieces(value: string, template: readonly TemplatePiece[]): string | undefined {
  if (value.includes("\n") || !template.some((piece) => piece.kind === "code" && /['"]/.test(piece.code)))
    return undefined;
  const written = template.map((piece) =>
    piece.kind === "code"
      ? `\${${piece.code}}`
      : piece.text.replace(/['"]/g, "\\$&").replaceAll("${", "\\${"),
  );
  const inline = `'${written.join("")}'`;
  const [line] = splitLines(`a:${inline}`);
  if (line === undefined) return undefined;
  const { entries, problems } = readParameters([line], 0);
  const [entry, another] = entries;
  const same =
    another === undefined && entry?.kind === "parameter" && entry.value === value && problems.length === 0;
  return same ? inline : undefined;
}

function writeText(value: string): WrittenValue {
  if (bare.test(value)) return { inline: value };
  const lines = value.split("\n");
  if (lines.length > 1 && canBeBlock(lines)) return { block: lines };
  const joined = lines.join("\\\\n");
  if (!value.endsWith("\\")) return { inline: `'${joined.replace(/['"]/g, "\\$&")}'` };
  // A backslash before the closing quote would keep the value open.
  if (/^[^\s,'"]+$/.test(value) && !value.includes("//")) return { inline: value };
  return { block: [canBeBlock([joined]) ? joined : `<BR>${joined}`] };
}

/** Names are fixed on reading, which halves pairs of underscores but not those that were dashes. */
export function writeName(actor: string, name: string): string {
  const keep = (part: string) => part.replace(/__+/g, (run) => "-".repeat(run.length));
  return `${keep(actor)}.${keep(name)}`;
}

/** An argument. The slash goes when it is read; without it a comma would continue the value before it. */
export function writeWord(word: string): string {
  return word === "" || word.startsWith(",") ? `/${word}` : word;
}

/** One parameter as lines, the first to be placed behind `indent`. */
export function writeParameter(
  { key, value, template }: Pick<Parameter, "key" | "value" | "template">,
  indent: string,
): string[] {
  const written = writeValue(value, template);
  const name = key.startsWith(",") ? writeWord(key) : key;
  if ("inline" in written) return [`${name}:${written.inline}`];
  const body = written.block.map((line) => (line === "" ? "" : `${indent}    ${line}`));
  // A text needs a name before its colon; a slash alone stands for the empty one.
  return [`${writeWord(key)}:'`, ...body, `${indent}'`];
}

/** An action in canonical form: comment, head with arguments, one line for each parameter. */
export function printAction(
  action: Pick<Action, "actor" | "name" | "bangs" | "comment" | "args" | "params">,
): string {
  const indent = "    ";
  const comment =
    action.comment === undefined ? [] : action.comment.split("\n").map((line) => `// ${line}`.trimEnd());
  const args = action.args.map((argument) => ` ${writeWord(argument.value)}`).join("");
  const head = `${"!".repeat(action.bangs)}${writeName(action.actor, action.name)}${args}`;
  const params = action.params.flatMap((parameter) => {
    const [first = "", ...more] = writeParameter(parameter, indent);
    return [`${indent}${first}`, ...more];
  });
  return [...comment, head, ...params].join("\n");
}

/** Actions one below the other, with a blank line between them. */
export function printActions(actions: readonly Parameters<typeof printAction>[0][]): string {
  return actions.map((action) => `${printAction(action)}\n`).join("\n");
}
