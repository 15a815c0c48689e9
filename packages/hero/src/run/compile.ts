/**
 * A script as one JavaScript program, line for line: statements stand where they stood, every action is a call on the
 * line of its head, and each `${…}` keeps its own line. The program begins one line later than the script, since it
 * stands in a block that keeps its names to itself.
 */
import type { Action } from "../script/ast.ts";
import { positionAt } from "../script/text.ts";
import type { Program } from "./program.ts";

/** Lines that the program has before the first line of the script. */
export const linesBefore = 1;
const lineFunction = "$hero";
/** Turns the result of an expression into text, at the line where the expression stands. */
const valueFunction = "$value";

export function compileProgram(program: Program, id: number): string {
  const { script } = program;
  const lines = script.lines.map((line) =>
    line.role === "statement" || line.role === "comment" ? line.raw : "",
  );
  for (const [index, action] of script.actions.entries()) {
    placeAction(program, lines, { action, head: `{${lineFunction}(${id},${index},[` });
  }
  return `{\n${lines.join("\n")}\n}`;
}

function placeAction(program: Program, lines: string[], what: { action: Action; head: string }): void {
  let last = what.action.line - 1;
  lines[last] += what.head;
  for (const parameter of what.action.params) {
    for (const piece of parameter.template ?? []) {
      if (piece.kind !== "code") continue;
      // Parameters can be moved by a repeated key; code is never placed above what is already there.
      last = Math.max(last, positionAt(program.script.lines, piece.offset).line - 1);
      lines[last] += `${valueFunction}((${piece.code})),`;
    }
  }
  lines[last] += `]);}`;
}

/** Where an expression of an action starts, if one stands on a line. */
export function expressionAt(
  program: Program,
  line: number,
): { readonly column: number; readonly length: number } | undefined {
  for (const action of program.script.actions) {
    if (line < action.line || line > action.lastLine) continue;
    for (const parameter of action.params) {
      for (const piece of parameter.template ?? []) {
        if (piece.kind !== "code") continue;
        const place = positionAt(program.script.lines, piece.offset);
        if (place.line === line) return { column: place.column, length: Math.max(1, piece.code.length) };
      }
    }
    return line === action.line ? { column: action.column, length: action.headLength } : undefined;
  }
  return undefined;
}
