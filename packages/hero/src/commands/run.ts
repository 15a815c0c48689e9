/** `hero run`: reads the script from wherever it is and runs it. */
import { homedir } from "node:os";
import { optionText, readArguments, type Arguments, type CommandSpec } from "../command-line.ts";
import { UsageError } from "../errors.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { jsonOutput, textOutput } from "../output.ts";
import { Registry } from "../registry.ts";
import { makeReporter } from "../report.ts";
import { allowFault, readAllowList, type AllowList } from "../run/allow.ts";
import type { Source } from "../run/program.ts";
import { runSources, type RunOptions } from "../run/run.ts";
import { pathSources, stdinSource, textSource } from "../source.ts";

/** What a command may see of the process it runs in. */
export interface World {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly nowMs: () => number;
  /** Standard input to its end; `first`: what has been read of it. */
  readonly readStdin: (first?: Uint8Array) => Buffer;
}

export const runSpec: CommandSpec = {
  name: "run",
  usage: ["run -s [SCRIPT] [options]", "run FILE|DIR|- [options] [-- ARGS]"],
  doc: "Checks a heroscript, then runs it. With -s alone, and with -, the script is read from standard input.",
  options: [
    {
      flags: ["-s", "--script", "-script"],
      takes: "optional",
      value: "SCRIPT",
      doc: "the script itself; without a value it is read from standard input",
    },
    {
      flags: ["-p", "--path", "-path"],
      takes: "value",
      value: "PATH",
      doc: "a file, or a folder of scripts",
    },
    {
      flags: ["-h", "--heroscript", "-heroscript"],
      takes: "optional",
      value: "SCRIPT",
      doc: "the script itself",
    },
    { flags: ["--plan"], takes: "nothing", doc: "check, list the actions, run nothing" },
    { flags: ["--allow"], takes: "value", value: "LIST", doc: "only these actions may run: git.*,docker.ps" },
    { flags: ["--json"], takes: "nothing", doc: "every line on standard output is JSON" },
    { flags: ["--timeout"], takes: "value", value: "SECONDS", doc: "end the script after this time" },
    { flags: ["--prose"], takes: "nothing", doc: "skip all lines that are not actions, as in .md files" },
    { flags: ["--actors"], takes: "value", value: "DIR", doc: "own actors, one file each" },
    { flags: ["--help", "-help"], takes: "nothing", doc: "this text" },
  ],
};

export async function runCommand(words: readonly string[], given: World): Promise<ExitCode> {
  const args = readArguments(runSpec, words);
  if (args.options.has("--help") || args.options.get("-h")?.at(-1) === true) {
    const { helpText } = await import("../command-line.ts");
    textOutput.print(helpText(runSpec));
    return exitCodes.done;
  }
  const world = isEarly(given) ? await (await import("../early-start.ts")).waitForJob(given) : given;
  const sources = readSources(args, world);
  const registry = new Registry();
  const folder = optionText(args, "--actors");
  if (folder !== undefined) {
    const { loadActors } = await import("../own-actors.ts");
    await loadActors(registry, folder, world.cwd);
  }
  const json = args.options.has("--json");
  const options: RunOptions = {
    registry,
    output: json ? jsonOutput : textOutput,
    allow: allowLists(args, world),
    environment: world.environment,
    home: world.environment["HOME"] ?? homedir(),
    cwd: world.cwd,
    args: args.rest,
    deadlineMs: deadline(args, world),
    nowMs: world.nowMs,
    report: makeReporter(world.environment),
  };
  if (!args.options.has("--plan")) return runSources(sources, options);
  const { planSources } = await import("../run/plan.ts");
  return planSources(sources, options);
}

/** Started ahead of its job: what the job adds to the environment comes before the script. */
function isEarly(world: World): boolean {
  return world.environment["HERO_LATE_ENV"] === "stdin";
}

function readSources(args: Arguments, world: World): Source[] {
  const prose = args.options.has("--prose");
  const given: (() => Source[])[] = [];
  for (const flag of ["-s", "-h"]) {
    for (const value of args.options.get(flag) ?? []) {
      const stdin = value === true || value === "-";
      given.push(() => [stdin ? stdinSource(world, prose) : textSource(value, world.cwd, prose)]);
    }
  }
  for (const path of [...(args.options.get("-p") ?? []), ...args.words]) {
    if (path === "-") given.push(() => [stdinSource(world, prose)]);
    else if (path !== true) given.push(() => pathSources(path, world.cwd, prose));
  }
  const [first, second] = given;
  if (first === undefined) {
    throw new UsageError(
      "hero run needs a script",
      "hero run -s reads it from standard input, hero run FILE from a file",
    );
  }
  if (second !== undefined)
    throw new UsageError("hero run takes one script; arguments for the script follow --");
  return first();
}

function allowLists(args: Arguments, world: World): AllowList[] {
  const texts = [...(args.options.get("--allow") ?? []), world.environment["HERO_ALLOW"]];
  const lists = texts.flatMap((text) => (typeof text === "string" ? [readAllowList(text)] : []));
  const fault = lists
    .flat()
    .map(allowFault)
    .find((found) => found !== undefined);
  if (fault !== undefined) throw new UsageError(fault);
  return lists;
}

function deadline(args: Arguments, world: World): number | undefined {
  const text = optionText(args, "--timeout");
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || seconds <= 0)
    throw new UsageError(`--timeout needs seconds, not "${text}"`);
  return world.nowMs() + seconds * 1000;
}
