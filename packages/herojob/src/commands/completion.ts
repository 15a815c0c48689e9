/** `completion`: words for bash, zsh and fish, made from the option tables, so that none is ever forgotten. */
import type { Command, Option } from "@herorunner/daemon";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { program } from "../options.ts";
import type { Shell } from "../shell.ts";

interface Flag {
  readonly name: string;
  readonly short: string | undefined;
  readonly description: string;
  /** Words that may follow; `file` for a path; undefined when nothing follows. */
  readonly value: readonly string[] | "file" | "text" | undefined;
}

export async function completion(name: string, shell: Shell): Promise<ExitCode> {
  const scripts = new Map([
    ["bash", bash],
    ["zsh", zsh],
    ["fish", fish],
  ]);
  await shell.stdout.write(scripts.get(name)?.() ?? "");
  return exitCodes.done;
}

const builtIn: readonly Flag[] = [
  { name: "help", short: "h", description: "Print help", value: undefined },
  { name: "config", short: undefined, description: "Read options from this TOML file", value: "file" },
  { name: "print-config", short: undefined, description: "Print every option", value: undefined },
];

function commands(): readonly (readonly [string, Command])[] {
  return Object.entries(program.commands);
}

function flagsOf(command: Command): readonly Flag[] {
  const own = Object.values(command.options).flatMap((option): Flag[] => {
    const { flag: name, short, description } = option;
    const flag = { name, short, description, value: valueOf(option) };
    const viaFile = option.kind === "string" && option.fileVariant === true;
    return viaFile ? [flag, { ...flag, name: `${name}-file`, short: undefined, value: "file" }] : [flag];
  });
  return [...own, ...builtIn];
}

function valueOf(option: Option): Flag["value"] {
  if (option.kind === "boolean") return undefined;
  if (option.kind === "choice") return option.choices;
  return option.placeholder === "FILE" || option.placeholder === "JOB.json" ? "file" : "text";
}

/** The fixed words of a command's first argument, `file` for a path, or nothing that could be known. */
function firstWords(command: Command): readonly string[] | "file" | "text" {
  const [first] = Object.values(command.positionals);
  if (first === undefined || first.placeholder === "ID") return "text";
  return first.placeholder.includes("|") ? first.placeholder.split("|") : "file";
}

function spellings({ name, short }: Flag): string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}

/** Quoted for a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function bash(): string {
  const names = commands().map(([name]) => name);
  const cases = commands().map(([name, command]) => {
    const flags = flagsOf(command);
    const values = flags.flatMap((flag) =>
      flag.value === undefined ? [] : [`      ${spellings(flag).join("|")}) ${bashAnswer(flag.value)} ;;`],
    );
    const words = flags.flatMap(spellings).join(" ");
    return [
      `  ${name})`,
      `    case "$before" in`,
      ...values,
      `      *) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W ${quoted(words)} -- "$word")); else ${bashAnswer(firstWords(command))}; fi ;;`,
      `    esac ;;`,
    ].join("\n");
  });
  return `# bash completion for herojob; put it into your ~/.bashrc:  source <(herojob completion bash)
_herojob() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W ${quoted([...names, "--help", "--version"].join(" "))} -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
}
complete -F _herojob herojob
`;
}

function bashAnswer(value: NonNullable<Flag["value"]>): string {
  if (value === "text") return ":";
  return value === "file"
    ? `compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word"))`
    : `COMPREPLY=($(compgen -W ${quoted(value.join(" "))} -- "$word"))`;
}

function zsh(): string {
  const described = commands().map(([name, { summary }]) => quoted(`${name}:${summary}`));
  const cases = commands().map(([name, command]) => {
    const flags = flagsOf(command).flatMap((flag) => spellings(flag).map((word) => zshFlag(flag, word)));
    return `    ${name}) _arguments ${[...flags, quoted(`1:argument:${zshAction(firstWords(command))}`)].join(" ")} ;;`;
  });
  return `#compdef herojob
# zsh completion for herojob; put it into your ~/.zshrc:  source <(herojob completion zsh)
_herojob() {
  local -a commands=(${described.join(" ")})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
${cases.join("\n")}
  esac
}
compdef _herojob herojob
`;
}

function zshFlag(flag: Flag, word: string): string {
  const text = flag.description.replaceAll(/[[\]\\:]/g, (one) => `\\${one}`);
  const value = flag.value === undefined ? "" : `:value:${zshAction(flag.value)}`;
  return quoted(`${word}[${text}]${value}`);
}

function zshAction(value: NonNullable<Flag["value"]>): string {
  if (value === "text") return " ";
  return value === "file" ? "_files" : `(${value.join(" ")})`;
}

function fish(): string {
  const lines = commands().flatMap(([name, command]) => {
    const inside = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    const first = firstWords(command);
    const words = first === "file" ? ["-F"] : first === "text" ? [] : [`-f -a ${quoted(first.join(" "))}`];
    return [
      `complete -c herojob -n __fish_use_subcommand -f -a ${name} -d ${quoted(command.summary)}`,
      ...words.map((word) => `complete -c herojob ${inside} ${word}`),
      ...flagsOf(command).map((flag) => `complete -c herojob ${inside} ${fishFlag(flag)}`),
    ];
  });
  return `# fish completion for herojob; put it into ~/.config/fish/completions/herojob.fish
complete -c herojob -f
${lines.join("\n")}
`;
}

function fishFlag({ name, short, description, value }: Flag): string {
  const spelling = short === undefined ? `-l ${name}` : `-l ${name} -s ${short}`;
  const action =
    value === undefined
      ? ""
      : value === "file"
        ? " -r -F"
        : value === "text"
          ? " -x"
          : ` -x -a ${quoted(value.join(" "))}`;
  return `${spelling}${action} -d ${quoted(description)}`;
}
