/** Diagnostics on standard error; in colour only on a terminal whose user has not said otherwise. */
import { isatty } from "node:tty";
import { writeErr } from "./output.ts";
import type { Program } from "./run/program.ts";
import { formatDiagnostic, type Diagnostic, type Painter } from "./script/diagnostics.ts";

const wrap = (code: string) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const colours: Painter = { error: wrap("31"), warning: wrap("33"), faint: wrap("2") };

type Environment = Readonly<Record<string, string | undefined>>;

function painter(fd: 1 | 2, environment: Environment): Painter | undefined {
  const refused = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
  return isatty(fd) && !refused ? colours : undefined;
}

export function makeReporter(environment: Environment): (program: Program, diagnostic: Diagnostic) => void {
  const paint = painter(2, environment);
  return ({ source, script }, diagnostic) => {
    writeErr(`${formatDiagnostic(diagnostic, { name: source.name, lines: script.lines }, paint)}\n`);
  };
}
