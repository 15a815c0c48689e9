/**
 * The command line, taken apart: which flags were given with which text, and which words are left. Knows which flags take
 * a value and nothing else about them. Never stops at the first mistake.
 */
import { parseArgs } from "node:util";
import type { Problem } from "./table.ts";

/** A flag the scanner should know. */
export interface Flag {
  readonly name: string;
  readonly short?: string | undefined;
  readonly takesValue: boolean;
}

/** A flag as it was given: its name, the spelling that was used (`-r`), and its text, when it has one. */
export interface GivenFlag {
  readonly name: string;
  readonly spelling: string;
  readonly text: string;
}

export interface ScannedArguments {
  readonly flags: readonly GivenFlag[];
  /** Words that are no flags, in order. */
  readonly words: readonly string[];
  /** How many of `words` stand before a `--`. Only those can name a command. */
  readonly wordsBeforeTerminator: number;
  /** Flags nobody knows, as they were spelled. */
  readonly unknown: readonly string[];
  readonly problems: readonly Problem[];
}

/** Takes `argv` (without node and script) apart. Flags and words may stand in any order; after `--` all are words. */
export function scanArguments(argv: readonly string[], flags: readonly Flag[]): ScannedArguments {
  const known = new Map(flags.map((flag) => [flag.name, flag]));
  const result = {
    flags: new Array<GivenFlag>(),
    words: new Array<string>(),
    wordsBeforeTerminator: 0,
    unknown: new Array<string>(),
    problems: new Array<Problem>(),
  };
  let terminated = false;
  for (const token of tokens(argv, flags)) {
    if (token.kind === "option-terminator") terminated = true;
    else if (token.kind === "positional") {
      result.words.push(token.value);
      if (!terminated) result.wordsBeforeTerminator++;
    } else {
      const read = readFlag(token, known);
      if (read === undefined) result.unknown.push(token.rawName);
      else if ("next" in read) result.problems.push(read);
      else result.flags.push(read);
    }
  }
  return result;
}

function tokens(argv: readonly string[], flags: readonly Flag[]): readonly Token[] {
  const options = Object.fromEntries(
    flags.map(({ name, short, takesValue }) => [
      name,
      {
        type: takesValue ? ("string" as const) : ("boolean" as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

type Token =
  | { readonly kind: "positional"; readonly value: string }
  | { readonly kind: "option-terminator" }
  | OptionToken;

interface OptionToken {
  readonly kind: "option";
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function readFlag(token: OptionToken, known: ReadonlyMap<string, Flag>): GivenFlag | Problem | undefined {
  const { name, rawName: spelling, value } = token;
  const flag = known.get(name);
  if (flag === undefined) {
    const positive = name.startsWith("no-") ? known.get(name.slice(3)) : undefined;
    if (positive === undefined || positive.takesValue || value !== undefined) return undefined;
    return { name: positive.name, spelling, text: "false" };
  }
  if (!flag.takesValue) return { name, spelling, text: value ?? "true" };
  if (value === undefined) {
    return {
      where: spelling,
      what: "needs a value",
      next: `Write it as --${name}=VALUE or --${name} VALUE.`,
    };
  }
  // A forgotten value must not swallow the next flag; a lone dash and negative numbers are values.
  if (token.inlineValue !== true && /^-[^\d]/.test(value)) {
    return {
      where: spelling,
      what: `needs a value and is followed by ${JSON.stringify(value)}`,
      next: `If that is meant as the value, write --${name}=VALUE.`,
    };
  }
  return { name, spelling, text: value };
}
