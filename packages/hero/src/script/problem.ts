/** A problem inside an action, by offset; the parser turns it into a diagnostic. */
import type { DiagnosticCode } from "./diagnostics.ts";

export interface Problem {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly offset: number;
  readonly length: number;
  readonly hint?: string;
  /** Text would be lost or changed without a word: an error in strict reading, a warning otherwise. */
  readonly lossy?: boolean;
  readonly warning?: boolean;
}
