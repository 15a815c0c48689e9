/** The two options every daemon of ours has for its log, to be spread into its table. */
import { defineOptions } from "./options/table.ts";

const RUST_LEVELS = new Map([
  ["trace", "DEBUG"],
  ["debug", "DEBUG"],
  ["info", "INFO"],
  ["warn", "ERROR"],
  ["error", "ERROR"],
  ["off", "ERROR"],
]);

/**
 * The log level that a `RUST_LOG` value asks of `program`. The value is a level (`debug`) or a list of
 * `target=level` (`herorunner=debug,info`): the program's own target counts before its parts (`herorunner::queue`), those
 * before a bare level; other targets say nothing. There is no WARN here, so `warn` shows errors only.
 */
export function rustLogLevel(text: string, program: string): string | undefined {
  let best: { rank: number; level: string } | undefined;
  // What follows a slash filters by message.
  for (const directive of text.split("/", 1).join("").split(",")) {
    const [left = "", right] = directive.split("=").map((side) => side.trim().toLowerCase());
    const level =
      RUST_LEVELS.get(right ?? left) ?? (right === undefined && left === program ? "DEBUG" : undefined);
    const rank =
      right === undefined && left !== program
        ? 1
        : left === program
          ? 3
          : left.startsWith(`${program}::`)
            ? 2
            : 0;
    if (level !== undefined && rank > 0 && rank >= (best?.rank ?? 0)) best = { rank, level };
  }
  return best?.level;
}

export const logOptions = defineOptions({
  logLevel: {
    flag: "log-level",
    kind: "choice",
    choices: ["INFO", "DEBUG", "ERROR"],
    default: "INFO",
    alsoEnv: { RUST_LOG: rustLogLevel },
    group: "Log",
    description: "How much to log",
  },
  logFormat: {
    flag: "log-format",
    kind: "choice",
    choices: ["text", "json"],
    default: "text",
    group: "Log",
    description: "Log lines for people, or one JSON object a line",
  },
});
