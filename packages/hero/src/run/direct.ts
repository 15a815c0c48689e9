/**
 * Runs a script of actions and plain prints without a JavaScript engine.
 */
import { ActionError } from "../errors.ts";
import type { Action } from "../script/ast.ts";
import { ScriptFailure } from "./failure.ts";
import type { Program, Step } from "./program.ts";
import type { Session } from "./session.ts";
import { actionValues } from "./values.ts";

/** Performs the action that stands at a line of a program; errors get that place. */
export function performLine(
  program: Program,
  action: Action,
  results: readonly string[],
  session: Session,
): void {
  const { params, args } = actionValues(action, results, session);
  try {
    session.perform({ actor: action.actor, name: action.name, params, args, form: "line" });
  } catch (error) {
    if (!(error instanceof ActionError) || error instanceof ScriptFailure) throw error;
    const place = { line: action.line, column: action.column, length: action.headLength };
    throw new ScriptFailure(program, place, { message: error.message, kind: error.kind });
  }
}

export function runDirectly(program: Program, steps: readonly Step[], session: Session): void {
  const { output } = session.options;
  for (const step of steps) {
    if (step.kind === "action") performLine(program, step.action, [], session);
    else if (step.kind === "text") output.print(step.text);
    else output.print(session.env.get(step.name) ?? "undefined");
  }
}
