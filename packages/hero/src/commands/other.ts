/** The commands besides `hero run`, and help. */
import { helpText, readArguments, type Arguments, type CommandSpec } from "../command-line.ts";
import { UsageError } from "../errors.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { writeErr, writeOut } from "../output.ts";
import { nearestName } from "../script/names.ts";
import { versionText } from "../version.ts";
import { actorsCommand } from "./actors.ts";
import { checkCommand } from "./check.ts";
import { completionCommand } from "./completion.ts";
import { fmtCommand } from "./fmt.ts";
import { parseCommand } from "./parse.ts";
import { runSpec, type World } from "./run.ts";
import { actorsSpec, checkSpec, completionSpec, fmtSpec, parseSpec } from "./specs.ts";

interface Command {
  readonly spec: CommandSpec;
  readonly run: (args: Arguments, world: World) => ExitCode | Promise<ExitCode>;
}

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["check", { spec: checkSpec, run: checkCommand }],
  ["fmt", { spec: fmtSpec, run: fmtCommand }],
  ["parse", { spec: parseSpec, run: parseCommand }],
  ["actors", { spec: actorsSpec, run: actorsCommand }],
  ["completion", { spec: completionSpec, run: completionCommand }],
]);

function overview(): string {
  const rows: readonly (readonly [string, string])[] = [
    ["hero run -s", "run the script on standard input"],
    ["hero run FILE", "run a script (also: hero FILE.hero)"],
    ...[...commands.values()].map(
      ({ spec }) => [`hero ${spec.name}`, spec.doc.split(". ")[0]?.replace(/\.$/, "") ?? ""] as const,
    ),
  ];
  return [
    "hero checks and runs heroscripts.",
    "",
    ...rows.map(([left, right]) => `  ${left.padEnd(16)}${right}`),
    "",
    "hero COMMAND --help explains a command; hero --version prints the version.",
    "",
    "Exit codes: 0 done, 1 an action or statement failed, 2 usage, 3 syntax, 4 unknown actor or action,",
    "5 bad parameter, 6 not allowed.",
  ].join("\n");
}

export async function otherCommand(words: readonly string[], world: World): Promise<ExitCode> {
  const [name, ...rest] = words;
  if (name === undefined) {
    writeErr(`${overview()}\n`);
    return exitCodes.usage;
  }
  if (name === "--help" || name === "-h" || name === "-help" || name === "help") return help(rest[0]);
  if (name === "--version" || name === "version" || name === "-V") {
    writeOut(`hero ${versionText()}\n`);
    return exitCodes.done;
  }
  const command = commands.get(name);
  if (command === undefined) throw unknownCommand(name);
  const args = readArguments(command.spec, rest);
  return args.options.has("--help") ? help(name) : command.run(args, world);
}

function help(name: string | undefined): ExitCode {
  const spec = name === "run" ? runSpec : commands.get(name ?? "")?.spec;
  if (name !== undefined && spec === undefined) throw unknownCommand(name);
  writeOut(`${spec === undefined ? overview() : helpText(spec)}\n`);
  return exitCodes.done;
}

function unknownCommand(name: string): UsageError {
  const nearest = nearestName(name, ["run", ...commands.keys()]);
  return new UsageError(
    `there is no command "${name}"`,
    nearest === undefined ? "hero --help lists the commands" : `did you mean "hero ${nearest}"?`,
  );
}
