/** What the option table looks like to people: help, `--print-config` and the list of problems. Plain text, 100 columns. */
import { BUILT_IN_OPTIONS, groupedSettings } from "./command.ts";
import { defaultValue, showValue, type Value } from "./kinds.ts";
import {
  type Command,
  envName,
  type Option,
  type Positional,
  type Problem,
  type Program,
  type Source,
} from "./table.ts";

const WIDTH = 100;
const INDENT = 30;

/** Help of one command, or of the whole program when no command is named. */
export function commandHelp(program: Program, name: string | undefined): string {
  const command = name === undefined ? undefined : program.commands[name];
  const whole = name === undefined || name === program.main;
  const summary = whole ? program.summary : (command?.summary ?? "");
  const names = whole ? Object.keys(program.commands) : [name];
  const parts = [
    `${whole ? program.name : `${program.name} ${name}`}: ${summary}`,
    ["Usage:", ...names.map((each) => `  ${usageLine(program, each)}`)].join("\n"),
    ...(whole ? commandList(program) : []),
    ...(command === undefined ? [] : [positionalList(command), ...optionLists(command)]),
    ["Common options:", ...BUILT_IN_OPTIONS.flatMap((option) => optionLines(option, option.flag))].join("\n"),
    exampleList(whole ? program.examples : command?.examples),
    wrap(layersNote(program, command), WIDTH).join("\n"),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function exampleList(examples: readonly string[] = []): string {
  return examples.length === 0 ? "" : ["Examples:", ...examples.map((line) => `  ${line}`)].join("\n");
}

/** Where else options can be set, shown on one that this program has. */
function layersNote(program: Program, command: Command | undefined): string {
  const commands = command === undefined ? Object.values(program.commands) : [command];
  const texts = commands.flatMap(({ options }) => Object.values(options)).filter(isText);
  const { flag } = texts.find((option) => option.flag === "log-level") ?? texts[0] ?? { flag: "log-level" };
  return (
    `Every option but these can also be set as an environment variable (${envName(program.envPrefix, flag)} for --${flag}) or ` +
    `as a key of the TOML file named by --config or ${program.envPrefix}CONFIG (${flag} = "${flag === "log-level" ? "DEBUG" : "…"}"). ` +
    "Flags go before environment, environment before file."
  );
}

function isText({ kind }: Option): boolean {
  return kind === "string" || kind === "choice";
}

/** `herorunner verify [options] <JOB.json>` */
export function usageLine(program: Program, name: string): string {
  const words = Object.values(program.commands[name]?.positionals ?? {}).map(usageWord);
  return [program.name, ...(name === program.main ? [] : [name]), "[options]", ...words].join(" ");
}

function usageWord({ placeholder, arity }: Positional): string {
  switch (arity) {
    case "one":
      return `<${placeholder}>`;
    case "optional":
      return `[${placeholder}]`;
    case "some":
      return `<${placeholder}>...`;
    case "any":
      return `[${placeholder}]...`;
  }
}

function commandList(program: Program): string[] {
  const others = Object.entries(program.commands).filter(([name]) => name !== program.main);
  const lines = others.flatMap(([name, { summary }]) => entry(name, summary));
  const more = `Run ${program.name} COMMAND --help for the options of a command.`;
  return lines.length === 0 ? [] : [["Commands:", ...lines, "", more].join("\n")];
}

function positionalList({ positionals }: Command): string {
  const lines = Object.values(positionals).flatMap(({ placeholder, description }) =>
    entry(placeholder, description),
  );
  return lines.length === 0 ? "" : ["Arguments:", ...lines].join("\n");
}

function optionLists(command: Command): string[] {
  return groupedSettings(command).map(({ group, settings }) => {
    const lines = settings.flatMap(({ option, flag, viaFile }) =>
      viaFile ? fileLines(option, flag) : optionLines(option, flag),
    );
    return [`${group}:`, ...lines].join("\n");
  });
}

function fileLines(option: Option, flag: string): string[] {
  return entry(
    `    --${flag} FILE`,
    `Read --${option.flag} from this file, so that it shows in no process list`,
  );
}

function optionLines(option: Option, flag: string): string[] {
  const short = option.short === undefined ? "   " : `-${option.short},`;
  const value = option.kind === "boolean" ? "" : ` ${placeholderOf(option)}`;
  const foreign = Object.keys(option.alsoEnv ?? {}).map((name) => `[also: ${name}]`);
  return entry(
    `${short} --${flag}${value}`,
    [option.description, ...defaultNote(option), ...foreign].join(" "),
  );
}

function defaultNote(option: Option): string[] {
  const value = defaultValue(option);
  const empty = value === undefined || value === false || (Array.isArray(value) && value.length === 0);
  return empty ? [] : [`[default: ${defaultText(option, value)}]`];
}

/** A default as one would type it after the flag. */
export function defaultText(option: Option, value: Value): string {
  if (Array.isArray(value)) return value.join(",");
  return showValue(option, value).replace(/^"(.*)"$/, "$1");
}

/** What stands for the value of an option. */
export function placeholderOf(option: Option): string {
  if (option.placeholder !== undefined) return option.placeholder;
  switch (option.kind) {
    case "choice":
      return option.choices.join("|");
    case "integer":
      return "N";
    case "seconds":
      return "SECONDS";
    case "bytes":
      return "SIZE";
    case "list":
      return "LIST";
    case "address":
      return "HOST:PORT";
    case "string":
    case "boolean":
      return "TEXT";
  }
}

/** A term and its explanation, wrapped, side by side where the term is short enough. */
function entry(term: string, explanation: string): string[] {
  const lines = wrap(explanation, WIDTH - INDENT).map((line) => " ".repeat(INDENT) + line);
  const head = `  ${term}`;
  if (head.length > INDENT - 2) return [head, ...lines];
  const [first = "", ...rest] = lines;
  return [head.padEnd(INDENT) + first.trimStart(), ...rest];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** The whole configuration as a TOML file with the source of each value beside it; secrets are masked. */
export function configText(
  command: Command,
  config: Readonly<Record<string, unknown>>,
  sources: ReadonlyMap<string, Source>,
): string {
  const rows = Object.entries(command.options).map(([key, option]) => {
    // Only load() makes configurations, from these very options.
    const value = config[key] as Value | undefined;
    const source = sources.get(key);
    const line =
      value === undefined ? `# ${option.flag} is not set` : `${option.flag} = ${showValue(option, value)}`;
    return { line, source: value === undefined && source?.kind === "default" ? "" : sourceText(source) };
  });
  const words = Object.entries(command.positionals).map(([key, { placeholder }]) => {
    const value = config[key];
    return {
      line: `# <${placeholder}> ${value === undefined ? "is not set" : JSON.stringify(value)}`,
      source: "",
    };
  });
  const all = [...words, ...rows];
  const width = Math.min(60, Math.max(...all.map(({ line }) => line.length)));
  return all
    .map(({ line, source }) => `${source === "" ? line : `${line.padEnd(width)}  # ${source}`}\n`)
    .join("");
}

function sourceText(source: Source | undefined): string {
  return source === undefined ? "" : [source.kind, source.name].join(" ").trim();
}

/** The problems as a person should read them on a terminal, one a line. */
export function problemText(program: Program, problems: readonly Problem[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map(({ where, what, next }) => `  ${where}: ${what}. ${next}\n`);
  return `${program.name}: ${count}, nothing was started\n${lines.join("")}`;
}
