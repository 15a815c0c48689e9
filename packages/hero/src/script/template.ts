/**
 * Finds `${expression}` in a value. The text between the pieces stays as it is; `\${` is a literal `${`.
 */
import type { TemplatePiece } from "./ast.ts";
import { JavaScriptScanner } from "./javascript.ts";

export interface TemplateFault {
  readonly message: string;
  readonly offset: number;
}

export interface Template {
  readonly pieces: readonly TemplatePiece[];
  readonly faults: readonly TemplateFault[];
}

/** The code of one expression and where it ends; undefined when its brace is never closed. */
function readExpression(
  value: string,
  from: number,
): { readonly code: string; readonly end: number; readonly comment: boolean } | undefined {
  let comment = false;
  const scanner = new JavaScriptScanner((token) => {
    if (token.kind === "comment") comment = true;
  });
  const end = scanner.findExpressionEnd(value, from);
  if (end < 0 || scanner.faults.length > 0) return undefined;
  return { code: value.slice(from, end).replaceAll("\n", " "), end, comment };
}

/** `offsets[i]` is where character i of the value stands in the script. Undefined when the value is plain text. */
export function readTemplate(value: string, offsets: readonly number[]): Template | undefined {
  if (!value.includes("${")) return undefined;
  const pieces: TemplatePiece[] = [];
  const faults: TemplateFault[] = [];
  let text = "";
  let index = 0;
  while (index < value.length) {
    const at = value.indexOf("${", index);
    if (at < 0) break;
    if (at > index && value.charAt(at - 1) === "\\") {
      text += `${value.slice(index, at - 1)}\${`;
      index = at + 2;
      continue;
    }
    text += value.slice(index, at);
    const offset = offsets[at] ?? 0;
    const expression = readExpression(value, at + 2);
    if (expression === undefined) {
      faults.push({
        message: "this ${ has no matching }; a value with white space in it needs quotes",
        offset,
      });
      // Looking for more of them would read the rest again for each.
      index = at;
      break;
    }
    if (expression.code.trim() === "") faults.push({ message: "${} holds no expression", offset });
    if (expression.comment) faults.push({ message: "a comment cannot stand inside ${…}", offset });
    if (text !== "") pieces.push({ kind: "text", text });
    text = "";
    pieces.push({ kind: "code", code: expression.code, offset: offsets[at + 2] ?? offset });
    index = expression.end + 1;
  }
  text += value.slice(index);
  if (text !== "") pieces.push({ kind: "text", text });
  return { pieces, faults };
}
