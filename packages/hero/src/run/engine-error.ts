/**
 * Errors of the engine in terms of the script: its own line and column, and a hint for what authors commonly mean.
 */
import type { FailureKind } from "../errors.ts";
import type { Registry } from "../registry.ts";
import type { Diagnostic } from "../script/diagnostics.ts";
import { nearestName } from "../script/names.ts";
import { firstVisible } from "../script/text.ts";
import { expressionAt, linesBefore } from "./compile.ts";
import { ScriptFailure, type Place } from "./failure.ts";
import type { Program } from "./program.ts";

export interface EngineError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Index of an error of ours that crossed the engine. */
  readonly failure?: number;
  /** Thrown by `fail()`. */
  readonly deliberate: boolean;
}

/** The file name a program has inside the engine. */
export function locate(id: number): string {
  return `hero-${id}`;
}

const frame = /\bhero-(\d+):(\d+)(?::(\d+))?/;

/** The engine points at the parenthesis of a call or at its dot; people look for the name before it. */
function callStart(raw: string, column: number): number {
  let start = column;
  while (start > 1 && /[\p{L}\p{N}_$.]/u.test(raw.charAt(start - 2))) start--;
  return start;
}

/** The word at a place, for the underline; the place of an expression when the line belongs to an action. */
function placeIn(program: Program, line: number, column: number): Place {
  const number = Math.min(Math.max(1, line - linesBefore), program.script.lines.length);
  const source = program.script.lines[number - 1];
  if (source?.role === "action" || source?.role === "parameter") {
    return { line: number, ...(expressionAt(program, number) ?? { column: 1, length: 1 }) };
  }
  const raw = source?.raw ?? "";
  const start = callStart(raw, Math.min(column, raw.length + 1));
  const word = /^[\p{L}\p{N}_$.]+/u.exec(raw.slice(start - 1))?.[0] ?? "";
  return { line: number, column: Math.max(1, start), length: Math.max(1, word.length) };
}

export function syntaxDiagnostic(program: Program, error: EngineError): Diagnostic {
  const [, , line = "1", column = "1"] = frame.exec(error.stack) ?? [];
  const place = placeIn(program, Number(line), Number(column));
  const source = program.script.lines[place.line - 1];
  const atAction = source?.role === "action" && place.column === firstVisible(source.raw) + 1;
  const message = atAction
    ? `the statement before this action is not finished (${error.message})`
    : `JavaScript cannot read this: ${error.message}`;
  const hint = syntaxHint(source?.raw ?? "", error.message);
  return {
    severity: "error",
    code: "javascript",
    message,
    ...(hint === undefined ? {} : { hint }),
    ...place,
  };
}

function syntaxHint(raw: string, message: string): string | undefined {
  const bare = /^\s*(print|fail)\s+(.+?);?\s*$/.exec(raw);
  if (bare !== null) return `${bare[1]}(${bare[2]})`;
  if (message.startsWith("return not in"))
    return "fail(message) ends a script early; without an error, put the rest into an if";
  if (!/^(?:expecting|unexpected|invalid)/.test(message)) return undefined;
  return "lines between actions are JavaScript statements; with --prose, and in .md files, they are skipped";
}

const elsewhere: Readonly<Record<string, string>> = {
  console: "print(…) writes a line",
  require: "nothing can be loaded; own actors come from --actors DIR",
  process: "env holds the environment, args the arguments",
  Promise: "a script runs from top to bottom, one thing after the other",
  setTimeout: "a script runs from top to bottom, one thing after the other",
  fetch: "a script reaches the network only through actors",
};

function hintFor(error: EngineError, registry: Registry): string | undefined {
  const name = /^'?([\p{L}\p{N}_$]+)'? is not defined$/u.exec(error.message)?.[1];
  if (name === undefined) return undefined;
  if (Object.hasOwn(elsewhere, name)) return elsewhere[name];
  const nearest = nearestName(name, ["print", "env", "args", "fail", ...registry.names]);
  return nearest === undefined ? undefined : `did you mean "${nearest}"?`;
}

interface Around {
  readonly fallback: Program;
  readonly programs: readonly Program[];
  readonly registry: Registry;
}

export function runtimeFailure(
  around: Around,
  error: EngineError,
  how: { readonly kind: FailureKind; readonly timeIsUp: boolean },
): ScriptFailure {
  const match = frame.exec(error.stack);
  const program = (match === null ? undefined : around.programs[Number(match[1])]) ?? around.fallback;
  const place = match === null ? undefined : placeIn(program, Number(match[2]), Number(match[3] ?? 1));
  if (how.timeIsUp) {
    return new ScriptFailure(program, place, {
      message: "the time limit of the script is reached",
      kind: "time",
    });
  }
  const ours = error.failure !== undefined || error.deliberate;
  const prefix = ours || error.name === "" ? "" : `${error.name}: `;
  const hint = hintFor(error, around.registry);
  const message = `${prefix}${error.message}`;
  return new ScriptFailure(
    program,
    place,
    hint === undefined ? { message, kind: how.kind } : { message, kind: how.kind, hint },
  );
}
