/**
 * Script text in, exit code out: prepare everything, say what is wrong, and only then run, in document order.
 */
import { exitCodeOf } from "../errors.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Diagnostic } from "../script/diagnostics.ts";
import { exitCodeOfFirst } from "./check.ts";
import { runDirectly } from "./direct.ts";
import type { Engine } from "./engine.ts";
import { ScriptFailure } from "./failure.ts";
import { Includes } from "./include.ts";
import { prepare, type CheckedProgram, type Prepared } from "./prepare.ts";
import type { Program, Source } from "./program.ts";
import { Session, type SessionOptions } from "./session.ts";

export interface RunOptions extends SessionOptions {
  /** Shows a problem of a program to people. */
  readonly report: (program: Program, diagnostic: Diagnostic) => void;
  /** Never take the way without an engine; the results must be the same. For tests. */
  readonly alwaysEngine?: boolean;
}

/** A program that passed the check, with the engine if one of them needs it. */
export interface Ready {
  readonly prepared: readonly Prepared[];
  readonly engine: Engine | undefined;
}

/** Everything that can be said before running. Reports problems; returns the exit code if there are errors. */
export async function makeReady(
  sources: readonly Source[],
  session: Session,
  options: RunOptions,
): Promise<Ready | ExitCode> {
  const prepared: Prepared[] = [];
  for (const source of sources) prepared.push(await prepare(source, options));
  const programs = prepared.flatMap((one) => one.programs);
  const needsEngine =
    options.alwaysEngine === true || programs.some((one) => one.program.steps === undefined);
  const open = prepared.some((one) => one.open);
  let engine: Engine | undefined;
  if (needsEngine || open) {
    const { Engine } = await import("./engine.ts");
    const length = programs.reduce((sum, one) => sum + one.program.source.text.length, 0);
    engine = await Engine.start(session, length);
  }
  const judged = programs.map((one) => (engine === undefined ? one : withSyntax(one, engine)));
  for (const { program, diagnostics } of judged) {
    for (const diagnostic of diagnostics) options.report(program, diagnostic);
  }
  const code = judged.map((one) => exitCodeOfFirst(one.diagnostics)).find((found) => found !== undefined);
  return code ?? { prepared, engine };
}

/** Adds what the engine says about the statements of a program. */
function withSyntax(one: CheckedProgram, engine: Engine): CheckedProgram {
  const diagnostics = [...one.diagnostics, ...engine.checkSyntax(one.program, one.diagnostics)];
  return {
    program: one.program,
    diagnostics: diagnostics.sort((a, b) => a.line - b.line || a.column - b.column),
  };
}

export async function runSources(sources: readonly Source[], options: RunOptions): Promise<ExitCode> {
  const session = new Session(options);
  const ready = await makeReady(sources, session, options);
  if (typeof ready === "number") return ready;
  const { engine } = ready;
  const runOne = (program: Program) => {
    if (program.steps !== undefined && options.alwaysEngine !== true)
      runDirectly(program, program.steps, session);
    else if (engine !== undefined) engine.run(program);
    else throw new Error("a script with statements was prepared without an engine");
  };
  const includes = new Includes(session, engine, runOne);
  session.include = includes.include;
  try {
    for (const { programs } of ready.prepared) {
      const [first] = programs;
      if (first === undefined) continue;
      includes.run(first.program);
    }
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof ScriptFailure)) throw error;
    options.report(error.program, error.diagnostic);
    return exitCodeOf(error.kind);
  }
}
