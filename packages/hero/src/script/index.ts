/**
 * The heroscript language without any input or output: parse, list, convert, print. See docs/heroscript.md.
 *
 *     const { script, diagnostics } = parseScript(text);
 *     const names = listActions(script).map(({ actor, name }) => `${actor}.${name}`);
 */
export type {
  Action,
  Argument,
  Call,
  Entry,
  InnerComment,
  LineRole,
  Parameter,
  ParseOptions,
  Script,
  ScriptLine,
  TemplatePiece,
} from "./ast.ts";
export { conversionKinds, convertParameter, type Conversion, type Surroundings } from "./conversions.ts";
export {
  diagnosticCodes,
  formatDiagnostic,
  printable,
  type Diagnostic,
  type DiagnosticCode,
} from "./diagnostics.ts";
export { formatScript } from "./format.ts";
export { listActions, type ActionReference } from "./list.ts";
export { nearestName } from "./names.ts";
export { parseScript, type ParsedScript } from "./parse.ts";
export { printAction, printActions } from "./print.ts";
