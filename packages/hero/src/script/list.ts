/**
 * Every action a script names, in document order, without running it: those in `if` and `for` blocks and, as calls,
 * those that statements use as functions. A statement can build a call this list does not show; only the limit at run
 * time (`hero run --allow`) is a fence.
 */
import type { Script } from "./ast.ts";

export interface ActionReference {
  readonly actor: string;
  readonly name: string;
  readonly line: number;
  readonly column: number;
  /** `action`: written `!!actor.name`. `call`: `actor.name(…)` in a statement or in `${…}`. */
  readonly form: "action" | "call";
}

const call = /(?<![\w$.])([A-Za-z_$][\w$]*)\s*\.\s*([A-Za-z_$][\w$]*)\s*\(/g;

export function listActions(script: Script): ActionReference[] {
  const references: ActionReference[] = script.calls.map((found) => ({ ...found, form: "call" }));
  for (const action of script.actions) {
    const { actor, name, line, column } = action;
    references.push({ actor, name, line, column, form: "action" });
    for (const parameter of action.params) {
      for (const piece of parameter.template ?? []) {
        if (piece.kind !== "code") continue;
        for (const [, inner = "", method = ""] of piece.code.matchAll(call)) {
          references.push({ actor: inner, name: method, line, column, form: "call" });
        }
      }
    }
  }
  return references.sort((a, b) => a.line - b.line || a.column - b.column);
}
