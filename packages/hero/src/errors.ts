/**
 * The errors that end an action or the whole command. Their messages are sentences for people and name what to do
 * where that is known; everything else that is thrown is a bug.
 */
import { exitCodes, type ExitCode } from "./exit-codes.ts";

export type FailureKind = "failed" | "unknown" | "bad-parameter" | "not-allowed" | "syntax" | "time";

/** An action could not be performed. */
export class ActionError extends Error {
  override readonly name = "ActionError";
  readonly kind: FailureKind;

  constructor(message: string, kind: FailureKind = "failed", cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** The command line does not say what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

const codeOfKind: Readonly<Record<FailureKind, ExitCode>> = {
  failed: exitCodes.failed,
  time: exitCodes.failed,
  unknown: exitCodes.unknown,
  "bad-parameter": exitCodes.badParameter,
  "not-allowed": exitCodes.notAllowed,
  syntax: exitCodes.syntax,
};

export function exitCodeOf(kind: FailureKind): ExitCode {
  return codeOfKind[kind];
}

/** What an unknown thrown value has to say. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
