/**
 * A script that is ready to run or to be reported on: its text, its name for messages, the folder that relative paths
 * start from, and what the parser found.
 */
import type { Diagnostic } from "../script/diagnostics.ts";
import type { Action, Script } from "../script/ast.ts";
import { parseScript } from "../script/parse.ts";

export interface Source {
  /** As shown in messages: a path, `<stdin>` or `<script>`. */
  readonly name: string;
  readonly text: string;
  /** False when the bytes it was read from are not all in `text`. */
  readonly isUtf8?: boolean;
  readonly folder: string;
  /** Real path of the file, when there is one; tells included files apart. */
  readonly file?: string;
  /** Only actions count; the other lines are prose. */
  readonly prose: boolean;
}

export interface Program {
  readonly source: Source;
  readonly script: Script;
  readonly diagnostics: readonly Diagnostic[];
  /** Statements that the direct path can run; undefined when the script needs the engine. */
  readonly steps: readonly Step[] | undefined;
}

/** What a script without real JavaScript consists of. */
export type Step =
  | { readonly kind: "action"; readonly action: Action }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "variable"; readonly name: string };

export function makeProgram(source: Source): Program {
  const { script, diagnostics } = parseScript(source.text, { mode: source.prose ? "prose" : "script" });
  return { source, script, diagnostics, steps: directSteps(script) };
}

const printCall =
  /^\s*print\(\s*(?:"((?:[^"\\]|\\[nt"'\\])*)"|'((?:[^'\\]|\\[nt"'\\])*)'|env\.([A-Za-z_$][A-Za-z0-9_$]*))\s*\)\s*;?\s*(?:\/\/.*)?$/;
const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", '"': '"', "'": "'", "\\": "\\" };

/**
 * Scripts of actions, comments and plain prints do not need a JavaScript engine, whose start costs more than most
 * such scripts. Only forms whose meaning is the same without it are taken; a test holds both ways together.
 */
function directSteps(script: Script): Step[] | undefined {
  const steps: Step[] = [];
  const actions = new Map(script.actions.map((action) => [action.line, action]));
  for (const line of script.lines) {
    if (line.role === "action") {
      const action = actions.get(line.number);
      if (action === undefined || usesCode(action)) return undefined;
      steps.push({ kind: "action", action });
    } else if (line.role === "statement") {
      const step = /^\s*\/\//.test(line.raw) || line.blank ? "none" : directPrint(line.raw);
      if (step === undefined) return undefined;
      if (step !== "none") steps.push(step);
    }
  }
  return steps;
}

function usesCode(action: Action): boolean {
  return action.params.some(
    (parameter) => parameter.template?.some((piece) => piece.kind === "code") === true,
  );
}

function directPrint(raw: string): Step | undefined {
  const match = printCall.exec(raw);
  if (match === null) return undefined;
  const [, double, single, variable] = match;
  if (variable !== undefined) return { kind: "variable", name: variable };
  const text = (double ?? single ?? "").replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
  return { kind: "text", text };
}
