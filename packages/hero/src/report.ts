/** Diagnostics on standard error; in colour only on a terminal whose user has not said otherwise. */
import { writeErr } from "./output.ts";
import type { Program } from "./run/program.ts";
import { formatDiagnostic, type Diagnostic, type Painter } from "./script/diagnostics.ts";

const wrap = (code: string) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const colours: Painter = { error: wrap("31"), warning: wrap("33"), faint: wrap("2") };

type Environment = Readonly<Record<string, string | undefined>>;

function painter(environment: Environment): Painter | undefined {
  const refused = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
  // Loaded at the first message: a script that runs well has none.
  const { isatty } = process.getBuiltinModule("node:tty");
  return isatty(2) && !refused ? colours : undefined;
}

export function makeReporter(environment: Environment): (program: Program, diagnostic: Diagnostic) => void {
  let chosen: { readonly paint: Painter | undefined } | undefined;
  return ({ source, script }, diagnostic) => {
    chosen ??= { paint: painter(environment) };
    writeErr(`${formatDiagnostic(diagnostic, { name: source.name, lines: script.lines }, chosen.paint)}\n`);
  };
}
