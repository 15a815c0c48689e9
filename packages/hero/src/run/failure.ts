/**
 * A run that ended in an error: what to print and which exit code to end with. Carries the place in the script.
 */
import type { FailureKind } from "../errors.ts";
import type { Diagnostic } from "../script/diagnostics.ts";
import { LocatedError } from "./session.ts";
import type { Program } from "./program.ts";

export interface Place {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** The first error with a place; errors of included scripts pass through unchanged, with one more "included from". */
export class ScriptFailure extends LocatedError {
  readonly program: Program;
  readonly diagnostic: Diagnostic;

  constructor(
    program: Program,
    place: Place | undefined,
    what: { message: string; kind: FailureKind; hint?: string },
  ) {
    super(what.message, what.kind);
    this.program = program;
    this.diagnostic = {
      severity: "error",
      code: "failed",
      message: what.message,
      ...(what.hint === undefined ? {} : { hint: what.hint }),
      line: place?.line ?? 0,
      column: place?.column ?? 0,
      length: place?.length ?? 1,
    };
  }
}
