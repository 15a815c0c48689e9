/** What a shell can complete of a program, whatever the shell: made from the option tables, so that nothing is forgotten. */
import { BUILT_IN_OPTIONS, settingsOf } from "../options/command.ts";
import type { Command, Option, Program } from "../options/table.ts";

/** Fixed words, a path, or something that nobody can know before it is typed. */
export type CompletionValue = readonly string[] | "file" | "text";

export interface CompletionFlag {
  /** With their dashes: `--redis-url`, `-r`. */
  readonly spellings: readonly string[];
  readonly description: string;
  /** What follows it; undefined when nothing does. */
  readonly value: CompletionValue | undefined;
}

export interface CompletionLine {
  readonly flags: readonly CompletionFlag[];
  /** What its words are that belong to no flag. */
  readonly words: CompletionValue;
}

export interface CompletionCommand extends CompletionLine {
  readonly name: string;
  readonly summary: string;
}

export interface CompletionTree {
  readonly program: string;
  /** The line without the name of a command. */
  readonly bare: CompletionLine;
  readonly commands: readonly CompletionCommand[];
}

export function completionTree(program: Program): CompletionTree {
  const main = program.main === undefined ? undefined : program.commands[program.main];
  const named = Object.entries(program.commands).filter(([name]) => name !== program.main);
  return {
    program: program.name,
    bare: main === undefined ? { flags: builtIn(["help", "version"]), words: "text" } : lineOf(main),
    commands: named.map(([name, command]) => ({ name, summary: command.summary, ...lineOf(command) })),
  };
}

function lineOf(command: Command): CompletionLine {
  const own = settingsOf(command).map(({ option, flag, viaFile }): CompletionFlag => {
    if (viaFile) {
      const description = `Read --${option.flag} from this file`;
      return { spellings: [`--${flag}`], description, value: "file" };
    }
    return {
      spellings: spellingsOf(option),
      description: option.description,
      value: valueOf(option),
    };
  });
  return {
    flags: [...own, ...builtIn(BUILT_IN_OPTIONS.map(({ flag }) => flag))],
    words: wordsOf(command),
  };
}

function builtIn(flags: readonly string[]): CompletionFlag[] {
  return BUILT_IN_OPTIONS.filter(({ flag }) => flags.includes(flag)).map((option) => ({
    spellings: spellingsOf(option),
    description: option.description,
    value: valueOf(option),
  }));
}

function spellingsOf({ flag, short }: Option): string[] {
  return short === undefined ? [`--${flag}`] : [`--${flag}`, `-${short}`];
}

function valueOf(option: Option): CompletionFlag["value"] {
  if (option.kind === "boolean") return undefined;
  if (option.kind === "choice") return option.choices;
  return placeholderValue(option.placeholder ?? "");
}

/** A placeholder says what it stands for: `FILE`, `JOB.json`, `bash|zsh|fish`, `ID`. */
function placeholderValue(placeholder: string): CompletionValue {
  const parts = placeholder.split("|");
  if (parts.some((part) => /^(?:FILE|FOLDER|DIR|PATH)$|\.json$/.test(part))) return "file";
  return parts.length > 1 && parts.every((part) => /^[a-z]+$/.test(part)) ? parts : "text";
}

function wordsOf({ positionals }: Command): CompletionValue {
  const [first] = Object.values(positionals);
  return first === undefined ? "text" : placeholderValue(first.placeholder);
}
