/**
 * Command lines from one table of options for each command: the table reads the arguments and writes the help. Made
 * for quick start: reading costs no import, and `hero run` is started once for every job.
 */
import { UsageError } from "./errors.ts";
import { nearestName } from "./script/names.ts";

export interface OptionSpec {
  /** The first is the name under which the value is found. */
  readonly flags: readonly string[];
  /** `optional` takes the next word unless it looks like an option. */
  readonly takes: "nothing" | "value" | "optional";
  readonly value?: string;
  readonly doc: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly usage: readonly string[];
  readonly doc: string;
  readonly options: readonly OptionSpec[];
}

export interface Arguments {
  /** Values by the first flag of the option; `true` for an option without a value. */
  readonly options: ReadonlyMap<string, readonly (string | true)[]>;
  readonly words: readonly string[];
  /** What came after `--`. */
  readonly rest: readonly string[];
}

function findOption(spec: CommandSpec, flag: string): OptionSpec {
  const option = spec.options.find((candidate) => candidate.flags.includes(flag));
  if (option !== undefined) return option;
  const nearest = nearestName(
    flag,
    spec.options.flatMap((candidate) => candidate.flags.filter((name) => name.startsWith("--"))),
  );
  throw new UsageError(
    `hero ${spec.name} has no option ${flag}`,
    nearest === undefined ? `hero ${spec.name} --help lists the options` : `did you mean ${nearest}?`,
  );
}

function isFlag(word: string): boolean {
  return word.startsWith("-") && word !== "-";
}

export function readArguments(spec: CommandSpec, words: readonly string[]): Arguments {
  const options = new Map<string, (string | true)[]>();
  const positional: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--") return { options, words: positional, rest: words.slice(index + 1) };
    if (!isFlag(word)) {
      positional.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const flag = equals > 0 ? word.slice(0, equals) : word;
    const option = findOption(spec, flag);
    const next = words[index + 1];
    let value: string | true = true;
    if (equals > 0) {
      if (option.takes === "nothing") throw new UsageError(`${flag} takes no value`);
      value = word.slice(equals + 1);
    } else if (
      option.takes === "value" ||
      (option.takes === "optional" && next !== undefined && !isFlag(next))
    ) {
      if (next === undefined)
        throw new UsageError(`${flag} needs a value: ${flag} ${option.value ?? "VALUE"}`);
      value = next;
      index++;
    }
    const name = option.flags[0] ?? flag;
    const known = options.get(name);
    if (known === undefined) options.set(name, [value]);
    else known.push(value);
  }
  return { options, words: positional, rest: [] };
}

/** The last value of an option, when it was given with one. */
export function optionText(args: Arguments, name: string): string | undefined {
  const value = args.options.get(name)?.at(-1);
  return typeof value === "string" ? value : undefined;
}

export function helpText(spec: CommandSpec): string {
  const rows = spec.options.map((option) => {
    const value =
      option.value === undefined
        ? ""
        : option.takes === "optional"
          ? ` [${option.value}]`
          : ` ${option.value}`;
    const shown = option.flags.filter((flag) => flag.startsWith("--") || flag.length === 2);
    return [`  ${shown.join(", ")}${value}`, option.doc] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 2;
  return [
    ...spec.usage.map((line, index) => `${index === 0 ? "Usage:" : "      "} hero ${line}`),
    "",
    spec.doc,
    ...(rows.length > 0 ? ["", "Options:"] : []),
    ...rows.map(([left, right]) => `${left.padEnd(width)}${right}`),
  ].join("\n");
}
