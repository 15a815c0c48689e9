/**
 * `play.include` while a script runs: finds the files, runs each with its own folder, and names a cycle.
 */
import { realpathSync } from "node:fs";
import { ActionError, exitCodeOf, messageOf, type FailureKind } from "../errors.ts";
import { checked, includeFiles, includeSource } from "./prepare.ts";
import { makeProgram, type Program } from "./program.ts";
import { ScriptFailure } from "./failure.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";
import type { Diagnostic } from "../script/diagnostics.ts";
import { exitCodeOfFirst } from "./check.ts";

const kinds: readonly FailureKind[] = ["syntax", "unknown", "bad-parameter", "not-allowed", "failed"];

/** Bound to one run. */
export class Includes {
  readonly #session: Session;
  readonly #engine: Engine | undefined;
  readonly #runOne: (program: Program) => void;
  readonly #trail: string[] = [];

  constructor(session: Session, engine: Engine | undefined, runOne: (program: Program) => void) {
    this.#session = session;
    this.#engine = engine;
    this.#runOne = runOne;
  }

  /** Runs a program with its own folder; scripts it includes know that they must not include it. */
  run(program: Program): void {
    const folder = this.#session.folder;
    this.#trail.push(program.source.file ?? program.source.name);
    this.#session.folder = program.source.folder;
    try {
      this.#runOne(program);
    } finally {
      this.#session.folder = folder;
      this.#trail.pop();
    }
  }

  readonly include = (path: string, replacements: ReadonlyMap<string, string>): void => {
    const session = this.#session;
    const files = includeFiles(path, session.folder, session.options.home);
    if (files === undefined) throw new ActionError(`there is no file or folder ${path}`);
    if (files.length === 0) throw new ActionError(`the folder ${path} holds no script`);
    for (const file of files) this.#one(file, replacements);
  };

  #one(file: string, replacements: ReadonlyMap<string, string>): void {
    const real = realpathSync(file);
    if (this.#trail.includes(real)) {
      const cycle = [...this.#trail.slice(this.#trail.indexOf(real)), real].join(" → ");
      throw new ActionError(`these scripts include each other: ${cycle}`, "bad-parameter");
    }
    this.run(this.#load(file, replacements));
  }

  /** The file as it is now; it may have changed since the check, so it is checked again. */
  #load(file: string, replacements: ReadonlyMap<string, string>): Program {
    let source;
    try {
      source = includeSource(file, replacements);
    } catch (error) {
      throw new ActionError(`${file} cannot be read: ${messageOf(error)}`);
    }
    const program = makeProgram(source);
    const { options } = this.#session;
    const one = checked(program, {
      registry: options.registry,
      allow: options.allow,
      home: options.home,
      hasVariables: true,
    });
    const syntax = this.#engine?.checkSyntax(program, one.diagnostics) ?? [];
    const diagnostics = [...one.diagnostics, ...syntax].sort(
      (a, b) => a.line - b.line || a.column - b.column,
    );
    const error = diagnostics.find((diagnostic) => diagnostic.severity === "error");
    if (error !== undefined) throw failureOf(program, error);
    return program;
  }
}

function failureOf(program: Program, diagnostic: Diagnostic): ScriptFailure {
  const code = exitCodeOfFirst([diagnostic]);
  const kind = kinds.find((candidate) => exitCodeOf(candidate) === code) ?? "syntax";
  const { message, hint } = diagnostic;
  return new ScriptFailure(
    program,
    diagnostic,
    hint === undefined ? { message, kind } : { message, kind, hint },
  );
}
