/** A Logger that keeps what it was told. Children write into the same list, with their fields. */
import type { Logger } from "../ports.ts";

export interface LoggedLine {
  readonly level: "debug" | "info" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class RecordingLogger implements Logger {
  readonly lines: LoggedLine[];
  readonly #inherited: Readonly<Record<string, unknown>>;

  constructor(lines: LoggedLine[] = [], inherited: Readonly<Record<string, unknown>> = {}) {
    this.lines = lines;
    this.#inherited = inherited;
  }

  debug(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#keep("debug", fields, message);
  }

  info(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#keep("info", fields, message);
  }

  error(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#keep("error", fields, message);
  }

  child(fields: Readonly<Record<string, unknown>>): Logger {
    return new RecordingLogger(this.lines, { ...this.#inherited, ...fields });
  }

  /** The messages of one level, in order. */
  messages(level: LoggedLine["level"]): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message);
  }

  #keep(level: LoggedLine["level"], fields: Readonly<Record<string, unknown>>, message: string): void {
    this.lines.push({ level, message, fields: { ...this.#inherited, ...fields } });
  }
}
