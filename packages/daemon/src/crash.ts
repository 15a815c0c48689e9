/**
 * A bug ends the process, loudly: whoever started it starts it again, and what it held is taken over by others. Going on
 * after an error nobody foresaw would be worse than either.
 */
import { writeSync } from "node:fs";
import { escapeUnsafe } from "./log-value.ts";
import { renderLine, type LogFormat } from "./logger.ts";
import { maskUrlPasswords } from "./mask.ts";

export interface CrashOptions {
  /** Node's `process`, or a stand-in. */
  readonly process: {
    on(event: "uncaughtException", listener: (error: unknown, origin: string) => void): unknown;
    exit(code: number): void;
  };
  readonly format: LogFormat;
  readonly exitCode: number;
  /** Writes to standard error before it returns; for tests. */
  readonly write?: (text: string) => void;
}

/** Makes every uncaught exception and unhandled rejection a line on standard error, with its stack, and an exit. */
export function crashOnBugs({ process, format, exitCode, write = writeToStandardError }: CrashOptions): void {
  // Node turns an unhandled rejection into an uncaught exception unless somebody listens for it.
  process.on("uncaughtException", (error, origin) => {
    try {
      write(crashReport(format, error, origin));
    } finally {
      process.exit(exitCode);
    }
  });
}

function crashReport(format: LogFormat, error: unknown, origin: string): string {
  const stack = maskUrlPasswords(
    error instanceof Error ? (error.stack ?? error.message) : `thrown: ${String(error)}`,
  );
  const causes =
    error instanceof Error && error.cause instanceof Error ? maskUrlPasswords(error.cause.stack ?? "") : "";
  const fields = new Map(
    format === "json"
      ? ([
          ["origin", origin],
          ["stack", stack],
          ["cause", causes],
        ] as const)
      : ([["origin", origin]] as const),
  );
  const line = renderLine(format, {
    time: new Date(),
    level: "ERROR",
    message: "this is a bug, the process ends",
    fields,
  });
  // Indented, so that no line of it can pass for an event of its own.
  const lines =
    format === "json"
      ? []
      : [stack, ...(causes === "" ? [] : [`caused by ${causes}`])].join("\n").split("\n");
  return [line, ...lines.map((each) => `    ${escapeUnsafe(each.trim())}\n`)].join("");
}

/** Tries for a fifth of a second when the reader is slow: `process.exit` would throw away what a stream still holds. */
function writeToStandardError(text: string): void {
  let left = Buffer.from(text);
  for (let tries = 0; left.length > 0 && tries < 20; tries++) {
    try {
      left = left.subarray(writeSync(2, left));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
