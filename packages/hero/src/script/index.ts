/**
 * The heroscript language without any input or output: parse, list, convert, print. See docs/heroscript.md.
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
export {
  diagnosticCodes,
  formatDiagnostic,
  printable,
  type Diagnostic,
  type DiagnosticCode,
} from "./diagnostics.ts";
export { listActions, type ActionReference } from "./list.ts";
export { nearestName } from "./names.ts";
export { parseScript, type ParsedScript } from "./parse.ts";
