/** `hero fmt`: actions in one style. A text with errors is left alone. */
import { writeFileSync } from "node:fs";
import { UsageError, messageOf } from "../errors.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { writeOut } from "../output.ts";
import { makeReporter } from "../report.ts";
import type { Arguments } from "../command-line.ts";
import type { Source } from "../run/program.ts";
import { formatScript } from "../script/format.ts";
import { parseScript } from "../script/parse.ts";
import type { World } from "./run.ts";
import { namedSources } from "./sources.ts";

export function fmtCommand(args: Arguments, world: World): ExitCode {
  const report = makeReporter(world.environment);
  let code: ExitCode = exitCodes.done;
  for (const source of namedSources(args, world, "fmt")) {
    refuseOtherEncoding(source);
    const { script, diagnostics } = parseScript(source.text, { mode: source.prose ? "prose" : "auto" });
    // What is wrong with statements does not concern the actions.
    const errors = diagnostics.filter(
      ({ severity, code }) => severity === "error" && code !== "asynchronous",
    );
    for (const diagnostic of errors) report({ source, script, diagnostics, steps: undefined }, diagnostic);
    if (errors.length > 0) code = exitCodes.syntax;
    else if (deliver(source, formatScript(script), args) && code === exitCodes.done) code = exitCodes.failed;
  }
  return code;
}

/** What is no UTF-8 was replaced when it was read, and would be lost. */
function refuseOtherEncoding({ isUtf8, name }: Source): void {
  if (isUtf8 === false) throw new UsageError(`${name} is not in UTF-8; hero fmt would change its text`);
}

/** Prints, writes or compares; true when `--check` found a difference. */
function deliver(source: Source, formatted: string, args: Arguments): boolean {
  const changed = formatted !== source.text;
  if (args.options.has("--check")) {
    if (changed) writeOut(`${source.name}\n`);
    return changed;
  }
  if (!args.options.has("-w")) writeOut(formatted);
  else if (source.file === undefined)
    throw new UsageError("standard input cannot be rewritten; leave out -w");
  else if (changed) rewrite(source.file, source.name, formatted);
  return false;
}

function rewrite(file: string, name: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`${name} cannot be written: ${messageOf(error)}`);
  }
}
