/**
 * Judges a parsed script before anything runs: actors, actions, parameters, permissions. Values that are only known
 * at run time (`${…}`, session variables) are judged then.
 */
import type { ActionDefinition } from "../actor.ts";
import { bindParameters, type BindProblem, type Places } from "../bind.ts";
import type { Registry } from "../registry.ts";
import type { Action, Call } from "../script/ast.ts";
import type { Diagnostic, DiagnosticCode } from "../script/diagnostics.ts";
import { nearestName } from "../script/names.ts";
import { positionAt } from "../script/text.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { isAllowed, type AllowList } from "./allow.ts";
import type { Program } from "./program.ts";

export interface CheckOptions {
  readonly registry: Registry;
  readonly allow: readonly AllowList[];
  readonly home: string;
  /** The run sets session variables somewhere, so `{name}` in a value may stand for anything. */
  readonly hasVariables: boolean;
}

/** All problems of a program by position, those of the parser included. */
export function checkProgram(program: Program, options: CheckOptions): Diagnostic[] {
  const diagnostics = [...program.diagnostics];
  for (const action of program.script.actions) diagnostics.push(...checkAction(program, action, options));
  for (const call of program.script.calls) diagnostics.push(...checkCall(program, call, options));
  return diagnostics.sort((a, b) => a.line - b.line || a.column - b.column);
}

/** The exit code that goes with the first error, or undefined when there is none. */
export function exitCodeOfFirst(diagnostics: readonly Diagnostic[]): ExitCode | undefined {
  const first = diagnostics.find((diagnostic) => diagnostic.severity === "error");
  if (first === undefined) return undefined;
  switch (first.code) {
    case "unknown-actor":
    case "unknown-action":
      return exitCodes.unknown;
    case "bad-parameter":
      return exitCodes.badParameter;
    case "not-allowed":
      return exitCodes.notAllowed;
    case "failed":
      return exitCodes.failed;
    default:
      return exitCodes.syntax;
  }
}

/** A head that was hardly meant as an action gets a hint of its own. */
function actionError(
  action: Action,
  code: DiagnosticCode,
  message: string,
  hint: string | undefined,
): Diagnostic {
  const { line, column, headLength } = action;
  return {
    severity: "error",
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    line,
    column,
    length: headLength,
  };
}

function checkAction(program: Program, action: Action, options: CheckOptions): Diagnostic[] {
  const { registry } = options;
  const actor = registry.actor(action.actor);
  if (actor === undefined) {
    return [actionError(action, "unknown-actor", ...unknownActor(action, registry))];
  }
  const definition = registry.action(action.actor, action.name);
  if (definition === undefined) {
    return [actionError(action, "unknown-action", ...unknownAction(action, registry))];
  }
  const label = `${action.actor}.${action.name}`;
  const found: Diagnostic[] = [];
  if (!isAllowed(options.allow, action.actor, action.name)) {
    found.push(actionError(action, "not-allowed", `${label} is not allowed in this run`, undefined));
  }
  const places = { folder: program.source.folder, home: options.home };
  for (const problem of staticProblems(action, definition, options.hasVariables, places)) {
    found.push(parameterError(program, action, problem));
  }
  return found;
}

/** A call in a statement, as far as its name tells; its parameters are known when it runs. */
function checkCall(program: Program, call: Call, options: CheckOptions): Diagnostic[] {
  const { registry } = options;
  const actor = registry.actor(call.actor);
  if (actor === undefined || program.script.ownWords.has(call.actor)) return [];
  const label = `${call.actor}.${call.name}`;
  const place = { severity: "error", line: call.line, column: call.column, length: label.length } as const;
  if (registry.action(call.actor, call.name) === undefined) {
    const nearest = nearestName(call.name, Object.keys(actor.actions));
    const hint = nearest === undefined ? {} : { hint: `did you mean "${call.actor}.${nearest}"?` };
    return [
      { ...place, code: "unknown-action", message: `${call.actor} has no action "${call.name}"`, ...hint },
    ];
  }
  if (isAllowed(options.allow, call.actor, call.name)) return [];
  return [{ ...place, code: "not-allowed", message: `${label} is not allowed in this run` }];
}

function unknownActor(action: Action, registry: Registry): [string, string | undefined] {
  const bare = action.actor === "core" && action.headLength > 0;
  const nearest = nearestName(action.actor, registry.names);
  const elsewhere = registry.loaded().find((actor) => Object.hasOwn(actor.actions, action.name));
  if (nearest !== undefined && !bare) {
    return [`there is no actor "${action.actor}"`, `did you mean "${nearest}.${action.name}"?`];
  }
  const known = `known actors: ${registry.names.join(", ")}`;
  return [
    `there is no actor "${action.actor}"`,
    elsewhere === undefined ? known : `did you mean "${elsewhere.name}.${action.name}"?`,
  ];
}

function unknownAction(action: Action, registry: Registry): [string, string | undefined] {
  const actions = Object.keys(registry.actor(action.actor)?.actions ?? {});
  const message =
    action.name === "" ? "this action has no name" : `${action.actor} has no action "${action.name}"`;
  if (action.name === "")
    return [message, "an action is written !!actor.action, without a space after the exclamation marks"];
  if (action.actor === "core" && ["print", "fail"].includes(action.name)) {
    return [message, `a statement stands without exclamation marks: ${action.name}("…")`];
  }
  if (action.actor === "core" && registry.has(action.name)) {
    return [message, `a dot parts actor and action: ${action.name}.${action.args[0]?.value ?? "action"}`];
  }
  const nearest = nearestName(action.name, actions);
  if (nearest !== undefined) return [message, `did you mean "${action.actor}.${nearest}"?`];
  const elsewhere = registry.loaded().find((actor) => Object.hasOwn(actor.actions, action.name));
  if (action.actor === "core" && elsewhere !== undefined) {
    return [message, `did you mean "${elsewhere.name}.${action.name}"? A name without a dot belongs to core`];
  }
  const hint = `actions of ${action.actor}: ${actions.join(", ")}`;
  return [message, action.actor === "core" ? `${hint}; a name without a dot belongs to core` : hint];
}

function staticProblems(
  action: Action,
  definition: ActionDefinition,
  hasVariables: boolean,
  places: Places,
): readonly BindProblem[] {
  const params = new Map<string, unknown>();
  const unknownValues = new Set<string>();
  for (const parameter of action.params) {
    params.set(parameter.key, parameter.value);
    const code = parameter.template?.some((piece) => piece.kind === "code") === true;
    const variable = hasVariables && /\{[A-Za-z0-9_]+\}/.test(parameter.value);
    if (code || variable) unknownValues.add(parameter.key);
  }
  const args = action.args.map((argument) => argument.value);
  return bindParameters(definition, { params, args, unknownValues }, places).problems;
}

function parameterError(program: Program, action: Action, problem: BindProblem): Diagnostic {
  const label = `${action.actor}.${action.name}`;
  const parameter = action.params.find((candidate) => candidate.key === problem.key);
  const argument = problem.argument === undefined ? undefined : action.args[problem.argument];
  const hint = problem.hint === undefined ? {} : { hint: problem.hint };
  const message = `${label}: ${problem.message}`;
  if (parameter !== undefined) {
    const place = positionAt(program.script.lines, parameter.offset);
    const length = Math.max(1, parameter.key.length);
    return { severity: "error", code: "bad-parameter", message, ...hint, ...place, length };
  }
  if (argument !== undefined) {
    const place = positionAt(program.script.lines, argument.offset);
    const length = Math.max(1, argument.value.length);
    return { severity: "error", code: "bad-parameter", message, ...hint, ...place, length };
  }
  return actionError(action, "bad-parameter", message, problem.hint);
}
