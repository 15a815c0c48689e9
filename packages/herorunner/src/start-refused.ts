/** Why the runner does not start: a sentence for the operator and the exit code. */
import { exitCodes } from "./exit-codes.ts";

export class StartRefused extends Error {
  readonly exitCode: number;
  constructor(sentence: string, exitCode: number = exitCodes.usage, cause?: unknown) {
    super(sentence, { cause });
    this.exitCode = exitCode;
  }
}
