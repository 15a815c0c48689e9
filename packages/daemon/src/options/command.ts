/**
 * What follows from a program's tables before anything is read: every flag there is, which command is meant, and whether
 * the tables themselves make sense.
 */
import type { Flag, ScannedArguments } from "./arguments.ts";
import { didYouMean, suggest } from "./suggest.ts";
import type { BooleanOption, Command, Option, Problem, Program, StringOption } from "./table.ts";

/** An option under one of its flags: its own, or the `--…-file` one that reads the value from a file. */
export interface Setting {
  readonly key: string;
  readonly option: Option;
  readonly flag: string;
  readonly viaFile: boolean;
}

/** The flags every program has. */
export const BUILT_IN_OPTIONS: readonly (StringOption | BooleanOption)[] = [
  {
    flag: "config",
    kind: "string",
    placeholder: "FILE",
    description: "Read options from this TOML file; flags and environment go first",
  },
  {
    flag: "print-config",
    kind: "boolean",
    description: "Print every option with its value and where it came from, then exit",
  },
  { flag: "help", short: "h", kind: "boolean", description: "Print this help, then exit" },
  { flag: "version", short: "V", kind: "boolean", description: "Print the version, then exit" },
];

export function settingsOf(command: Command): Setting[] {
  return Object.entries(command.options).flatMap(([key, option]) => {
    const own = { key, option, flag: option.flag, viaFile: false };
    const hasFile = option.kind === "string" && option.fileVariant === true;
    return hasFile ? [own, { ...own, flag: `${option.flag}-file`, viaFile: true }] : [own];
  });
}

/** The settings of a command under their headings, in the order of the table. */
export function groupedSettings(
  command: Command,
): { readonly group: string; readonly settings: readonly Setting[] }[] {
  const settings = settingsOf(command);
  const groupOf = ({ option }: Setting) => option.group ?? "Options";
  const groups = [...new Set(settings.map(groupOf))];
  return groups.map((group) => ({
    group,
    settings: settings.filter((setting) => groupOf(setting) === group),
  }));
}

/** The flags of one command, or of all commands of a program, built-in ones included. Each name once. */
export function flagsOf(program: Program, command?: Command): Flag[] {
  const commands = command === undefined ? Object.values(program.commands) : [command];
  const own = commands.flatMap(settingsOf).map(({ option, flag, viaFile }): Flag => ({
    name: flag,
    short: viaFile ? undefined : option.short,
    takesValue: option.kind !== "boolean",
  }));
  const builtIn = BUILT_IN_OPTIONS.map((option): Flag => ({
    name: option.flag,
    short: option.short,
    takesValue: option.kind !== "boolean",
  }));
  return [...new Map([...own, ...builtIn].map((flag) => [flag.name, flag])).values()];
}

export interface FoundCommand {
  /** Nothing when the command line names none and the program has no main command. */
  readonly name: string | undefined;
  /** The words that are left for the command. */
  readonly words: readonly string[];
  readonly problems: readonly Problem[];
}

/** The first word names the command if it can; otherwise the main command takes all words. */
export function findCommand(
  program: Program,
  { words, wordsBeforeTerminator }: ScannedArguments,
): FoundCommand {
  const [first, ...rest] = words;
  const named = Object.keys(program.commands).filter((name) => name !== program.main);
  if (first !== undefined && wordsBeforeTerminator > 0 && named.includes(first)) {
    return { name: first, words: rest, problems: [] };
  }
  if (program.main !== undefined) return { name: program.main, words, problems: [] };
  const list = `Commands: ${named.join(", ")}.`;
  const problem =
    first === undefined
      ? { where: program.name, what: "needs a command", next: list }
      : {
          where: JSON.stringify(first),
          what: "there is no such command",
          next: didYouMean(suggest(first, named), list),
        };
  return { name: undefined, words, problems: [problem] };
}

/** Throws when the tables contradict themselves: a mistake of ours, found at the first start. */
export function checkProgram(program: Program): void {
  const meanings = new Map<string, string>();
  const claim = (spelling: string, meaning: string) => {
    const other = meanings.get(spelling) ?? meaning;
    if (other !== meaning) throw new Error(`${program.name}: ${spelling} means both ${other} and ${meaning}`);
    meanings.set(spelling, meaning);
  };
  for (const { flag, short, kind } of BUILT_IN_OPTIONS) {
    claim(`--${flag}`, `built-in ${kind}`);
    if (short !== undefined) claim(`-${short}`, flag);
  }
  for (const [name, command] of Object.entries(program.commands)) {
    const settings = settingsOf(command);
    for (const { flag, option, viaFile } of settings) {
      if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(flag))
        throw new Error(`${program.name}: --${flag} is no flag name`);
      // The scanner runs before the command is known, so a flag must be of one sort in all commands.
      claim(`--${flag}`, option.kind === "boolean" ? "boolean" : "with a value");
      if (option.short !== undefined && !viaFile) claim(`-${option.short}`, flag);
    }
    if (new Set(settings.map(({ flag }) => flag)).size < settings.length) {
      throw new Error(`${program.name} ${name}: two options share a flag`);
    }
  }
  if (program.main !== undefined && !Object.hasOwn(program.commands, program.main)) {
    throw new Error(`${program.name}: main command ${program.main} is not among its commands`);
  }
}
