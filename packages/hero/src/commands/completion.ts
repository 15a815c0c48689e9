/**
 * `hero completion`: prints a file of this package that was made from the tables of all commands, like those of the other
 * programs; a test keeps it true. So nothing of it costs `hero run` anything.
 */
import { readFileSync } from "node:fs";
import type { Arguments } from "../command-line.ts";
import { UsageError } from "../errors.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { writeOut } from "../output.ts";
import { packageFolder } from "../package-folder.ts";

const shells: readonly string[] = ["bash", "zsh", "fish"];

export function completionCommand(args: Arguments): ExitCode {
  const [shell = "", ...more] = args.words;
  if (!shells.includes(shell) || more.length > 0)
    throw new UsageError("hero completion needs the name of one shell", `shells: ${shells.join(", ")}`);
  writeOut(readFileSync(new URL(`completions/hero.${shell}`, packageFolder()), "utf8"));
  return exitCodes.done;
}
