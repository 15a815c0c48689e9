/**
 * The shape of an option table: the one place in which a program says what can be set. Flags, environment names, keys of
 * the configuration file, defaults, help, `--print-config`, the reference page and the TypeScript type of the
 * configuration are all made from it. Nothing here runs; `load.ts` does.
 */

/** What every option has, whatever its kind. */
interface OptionBasics {
  /** Name of the flag without dashes, in kebab case; also the key in the configuration file. */
  readonly flag: string;
  /** One letter for the short form. */
  readonly short?: string;
  /** What stands for the value in the help, as `URL` or `N`. */
  readonly placeholder?: string;
  /** One sentence without its full stop; the help and the reference page show it. */
  readonly description: string;
  /** Heading in the help and on the reference page. */
  readonly group?: string;
  /**
   * Foreign environment variables that count when our own is not set, each with a function from its text to the text
   * our own variable would have held. `undefined` means: says nothing about this option.
   */
  readonly alsoEnv?: Readonly<Record<string, (text: string, program: string) => string | undefined>>;
}

/** Text, never empty. */
export interface StringOption extends OptionBasics {
  readonly kind: "string";
  readonly default?: string;
  /** `true` hides the value wherever it would be shown; `"url"` hides the password in it. */
  readonly secret?: boolean | "url";
  /** Also offer `--<flag>-file FILE`, which reads the value from a file. Trailing line ends are cut off. */
  readonly fileVariant?: boolean;
  /** Answers what is wrong with the value, as "must start with redis://", or nothing. */
  readonly check?: (value: string) => string | undefined;
}

/** `--flag`, `--no-flag`; `true` or `false` elsewhere. Off unless said otherwise. */
export interface BooleanOption extends OptionBasics {
  readonly kind: "boolean";
  readonly default?: boolean;
}

/** A whole number within limits. */
export interface IntegerOption extends OptionBasics {
  readonly kind: "integer";
  readonly default?: number;
  readonly min?: number;
  readonly max?: number;
}

/** A duration. People write seconds (`30`, `0.5`) or a unit (`500ms`, `30s`, `5m`, `2h`, `7d`); the program gets **milliseconds**. */
export interface SecondsOption extends OptionBasics {
  readonly kind: "seconds";
  /** In seconds. */
  readonly default?: number;
  /** In seconds. */
  readonly min?: number;
  /** In seconds. */
  readonly max?: number;
}

/** A size. People write bytes or a suffix (`512K`, `16M`, `1G`, powers of 1024); the program gets bytes. */
export interface BytesOption extends OptionBasics {
  readonly kind: "bytes";
  readonly default?: number | string;
  /** In bytes. */
  readonly min?: number;
  /** In bytes. */
  readonly max?: number;
}

/** A list of texts: the flag repeats or takes commas, the file takes an array. Empty unless said otherwise. */
export interface ListOption extends OptionBasics {
  readonly kind: "list";
  readonly default?: readonly string[];
  /** Every text is one item as it stands, commas and spaces included; only repeating the flag makes a list. */
  readonly verbatim?: boolean;
  /** Like that of a string, for each item. */
  readonly check?: (item: string) => string | undefined;
}

/** One word of a closed list, upper or lower case. */
export interface ChoiceOption extends OptionBasics {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly default?: string;
}

/** Where to listen: `127.0.0.1:9100`, `[::1]:9100`, or a port alone, which means 127.0.0.1. */
export interface AddressOption extends OptionBasics {
  readonly kind: "address";
  readonly default?: string;
}

export type Option =
  | StringOption
  | BooleanOption
  | IntegerOption
  | SecondsOption
  | BytesOption
  | ListOption
  | ChoiceOption
  | AddressOption;

/** Options by the name of their property in the configuration. Put the unit in that name: `graceMs`, `maxOutputBytes`. */
export type OptionTable = Readonly<Record<string, Option>>;

/** A host and a port to listen on; IPv6 addresses come without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A word on the command line that is no flag. */
export interface Positional {
  readonly placeholder: string;
  readonly description: string;
  /** How many: exactly one, at most one, one or more, any number. Only the last of a command may be `some` or `any`. */
  readonly arity: "one" | "optional" | "some" | "any";
  readonly check?: (value: string) => string | undefined;
}

export type PositionalTable = Readonly<Record<string, Positional>>;

/** Something wrong with the configuration, for the person who has to mend it. Holds no secret. */
export interface Problem {
  /** The flag, variable, file key or argument, as that person wrote it. */
  readonly where: string;
  /** What is wrong with it; names the value unless it is secret. */
  readonly what: string;
  /** What to do about it, as a sentence. */
  readonly next: string;
}

/** Where a value came from. `name` is the flag, variable, file or argument; a default has none. */
export interface Source {
  readonly kind: "flag" | "env" | "file" | "default" | "argument";
  readonly name: string;
}

type OptionValue<O extends Option> = O extends { kind: "boolean" }
  ? boolean
  : O extends { kind: "integer" | "seconds" | "bytes" }
    ? number
    : O extends { kind: "list" }
      ? readonly string[]
      : O extends { kind: "choice"; choices: readonly (infer C)[] }
        ? C
        : O extends { kind: "address" }
          ? Address
          : string;

type OptionSetting<O extends Option> = O extends
  { kind: "boolean" | "list" } | { default: boolean | number | string }
  ? OptionValue<O>
  : OptionValue<O> | undefined;

type PositionalValue<P extends Positional> = P extends { arity: "one" }
  ? string
  : P extends { arity: "optional" }
    ? string | undefined
    : readonly string[];

/** The configuration a command gets: a property for each option and each positional, `undefined` where nothing is set. */
export type Config<O extends OptionTable, P extends PositionalTable> = {
  readonly [K in keyof O | keyof P]: K extends keyof O
    ? OptionSetting<O[K]>
    : K extends keyof P
      ? PositionalValue<P[K]>
      : never;
};

/** One way of starting a program. */
export interface Command<O extends OptionTable = OptionTable, P extends PositionalTable = PositionalTable> {
  readonly summary: string;
  readonly options: O;
  readonly positionals: P;
  /** Lines for the end of the help: commands as one would type them. */
  readonly examples?: readonly string[];
  /** Rules that need more than one option. Called only when each option is right by itself. */
  validate?(config: Config<O, P>): readonly Problem[];
}

/** A program: its name, its commands, and which of them runs when no command is named. */
export interface Program {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  /** Start of its environment names, underscore included: `HERORUNNER_`. */
  readonly envPrefix: string;
  readonly commands: Readonly<Record<string, Command>>;
  /** Key of the command that needs no name on the command line. */
  readonly main?: string;
  /** As those of a command, for the help of the whole program. */
  readonly examples?: readonly string[];
}

/** Checks an option table and keeps its exact type. */
export function defineOptions<const O extends OptionTable>(options: O): O {
  return options;
}

/** Checks a command and keeps its exact type, so that `validate` sees the configuration it will get. */
export function defineCommand<const O extends OptionTable, const P extends PositionalTable>(
  command: Command<O, P>,
): Command<O, P> {
  return command;
}

/** Checks a program and keeps its exact type. */
export function defineProgram<const P extends Program>(program: P): P {
  return program;
}

/** The environment name of a flag. */
export function envName(prefix: string, flag: string): string {
  return prefix + flag.toUpperCase().replaceAll("-", "_");
}
