/** The scripts that `check`, `fmt` and `parse` are asked about. */
import type { Arguments } from "../command-line.ts";
import { UsageError } from "../errors.ts";
import type { Source } from "../run/program.ts";
import { pathSources, stdinSource } from "../source.ts";
import type { World } from "./run.ts";

export function namedSources(args: Arguments, world: World, command: string): Source[] {
  const words = [...args.words, ...args.rest];
  if (words.length === 0)
    throw new UsageError(`hero ${command} needs a file`, `hero ${command} - reads standard input`);
  const prose = args.options.has("--prose");
  return words.flatMap((word) =>
    word === "-" ? [stdinSource(world, prose)] : pathSources(word, world.cwd, prose),
  );
}
