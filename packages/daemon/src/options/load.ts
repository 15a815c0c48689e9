/**
 * Flags over environment over configuration file over defaults, read once at the start. Pure but for the `readFile` it is
 * handed: the same input gives the same answer, which is a frozen configuration, a text to print, or **all** that is wrong.
 */
import { checkProgram, findCommand, flagsOf, settingsOf, type Setting } from "./command.ts";
import { errorCode, fileLayer, type FileLayer, type ReadFile } from "./config-file.ts";
import { scanArguments, type GivenFlag, type ScannedArguments } from "./arguments.ts";
import { defaultValue, parseValue, quote, showValue, type Value } from "./kinds.ts";
import { commandHelp, configText, problemText } from "./text.ts";
import { didYouMean, suggest } from "./suggest.ts";
import {
  envName,
  type Command,
  type Config,
  type Positional,
  type Problem,
  type Program,
  type Source,
} from "./table.ts";

export interface LoadInput<P extends Program> {
  readonly program: P;
  /** The command line without node and script: `process.argv.slice(2)`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Answers a file's text; may throw. Called for `--config` and for `--…-file` flags only. */
  readonly readFile: ReadFile;
}

/** The command to run, with its configuration. */
export interface LoadedCommand<Name extends string, C extends Command> {
  readonly kind: "command";
  readonly command: Name;
  readonly config: C extends Command<infer O, infer P> ? Config<O, P> : never;
  readonly sources: Readonly<Record<string, Source>>;
  /** Things worth a log line at the start; none holds a secret. */
  readonly warnings: readonly string[];
}

type LoadedCommandOf<P extends Program> = {
  [Name in keyof P["commands"] & string]: LoadedCommand<Name, P["commands"][Name]>;
}[keyof P["commands"] & string];

export type Loaded<P extends Program> =
  | LoadedCommandOf<P>
  /** Help, version or `--print-config`: print it on standard output and exit 0. */
  | { readonly kind: "text"; readonly text: string }
  /** Print `text` on standard error and exit 2. */
  | { readonly kind: "problems"; readonly problems: readonly Problem[]; readonly text: string };

/** Reads the configuration of a program. Rejects only for a mistake in the program's own tables. */
export async function load<const P extends Program>(input: LoadInput<P>): Promise<Loaded<P>> {
  const { program } = input;
  checkProgram(program);
  const scanned = scanArguments(input.argv, flagsOf(program));
  const { name, words, problems: commandProblems } = findCommand(program, scanned);
  const asked = (flag: string) => scanned.flags.findLast((given) => given.name === flag)?.text === "true";
  if (asked("help")) return { kind: "text", text: commandHelp(program, name) };
  if (asked("version")) return { kind: "text", text: `${program.name} ${program.version}\n` };

  const command = name === undefined ? undefined : program.commands[name];
  if (name === undefined || command === undefined) return refusal(program, commandProblems);

  const reading = new Reading(input, command, scanned);
  const file = await fileLayer(program, configPath(input, scanned), input.readFile);
  reading.problems.push(
    ...scanned.problems,
    ...reading.unknownFlags(),
    ...file.problems,
    ...reading.unknownEnv(),
  );
  for (const setting of settingsOf(command)) if (!setting.viaFile) await reading.readOption(setting, file);
  const printing = asked("print-config");
  // After an unknown flag nobody can say which words were its value.
  if (scanned.unknown.length === 0) reading.readPositionals(words, printing);
  if (reading.problems.length > 0) return refusal(program, reading.problems);

  const config = Object.freeze(Object.fromEntries(reading.values));
  const complaints = command.validate?.(config) ?? [];
  if (complaints.length > 0 && !printing) return refusal(program, complaints);
  if (printing) {
    const warned = reading.warnings.map((warning) => `# warning: ${warning}\n`).join("");
    return { kind: "text", text: configText(command, config, reading.sources) + warned };
  }
  const sources = Object.fromEntries(reading.sources);
  // The table was read entry by entry just above; the compiler cannot follow that the result has its type.
  return {
    kind: "command",
    command: name,
    config,
    sources,
    warnings: reading.warnings,
  } as unknown as Loaded<P>;
}

function refusal<P extends Program>(program: P, problems: readonly Problem[]): Loaded<P> {
  return { kind: "problems", problems, text: problemText(program, problems) };
}

function configPath(input: LoadInput<Program>, scanned: ScannedArguments): string | undefined {
  const flag = scanned.flags.findLast((given) => given.name === "config")?.text;
  return flag ?? (input.env[envName(input.program.envPrefix, "config")] || undefined);
}

/** What was found for one option, before it is understood. */
interface Finding {
  readonly texts: readonly string[];
  readonly source: Source;
  /** How the person wrote it, for messages. */
  readonly where: string;
  readonly viaFile: boolean;
}

/** One run of `load`: collects values, their sources, problems and warnings. */
class Reading {
  readonly values = new Map<string, Value | undefined>();
  readonly sources = new Map<string, Source>();
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly #input: LoadInput<Program>;
  readonly #command: Command;
  readonly #scanned: ScannedArguments;

  constructor(input: LoadInput<Program>, command: Command, scanned: ScannedArguments) {
    this.#input = input;
    this.#command = command;
    this.#scanned = scanned;
  }

  async readOption(setting: Setting, file: FileLayer): Promise<void> {
    const { key, option } = setting;
    const found = this.#find(setting, file);
    if (found === undefined) {
      this.values.set(key, defaultValue(option));
      this.sources.set(key, { kind: "default", name: "" });
      return;
    }
    this.sources.set(key, found.source);
    const texts = found.viaFile ? await this.#readSecretFile(found) : found.texts;
    if (texts === undefined) return;
    const parsed = parseValue(option, texts);
    if (parsed.ok) this.#accept(setting, parsed.value, found);
    else this.problems.push({ where: found.where, what: parsed.what, next: parsed.next });
  }

  #accept({ key, option }: Setting, value: Value, found: Finding): void {
    this.values.set(key, value);
    if (found.source.kind !== "flag" || found.viaFile || option.kind !== "string") return;
    const shows = showValue(option, value) !== JSON.stringify(value);
    if (shows) {
      const variable = envName(this.#input.program.envPrefix, option.flag);
      const better = option.fileVariant === true ? `${variable} or --${option.flag}-file` : variable;
      this.warnings.push(
        `${found.where} holds a secret that every user of this host can read; use ${better}`,
      );
    }
  }

  /** The strongest layer that says something about an option. */
  #find(setting: Setting, file: FileLayer): Finding | undefined {
    const variants = settingsOf(this.#command).filter(({ key }) => key === setting.key);
    const layers = [
      variants.flatMap((variant) => this.#fromFlags(variant) ?? []),
      variants.flatMap((variant) => this.#fromEnv(variant) ?? []),
      this.#fromForeignEnv(setting),
      variants.flatMap((variant) => fromFile(variant, file) ?? []),
    ];
    const [found, second] = layers.find((layer) => layer.length > 0) ?? [];
    if (found !== undefined && second !== undefined) {
      this.problems.push({
        where: second.where,
        what: `says the same thing as ${found.where}`,
        next: "Give only one of the two.",
      });
    }
    return found;
  }

  #fromFlags({ flag, viaFile }: Setting): Finding | undefined {
    const given = this.#scanned.flags.filter(({ name }) => name === flag);
    const last: GivenFlag | undefined = given.at(-1);
    if (last === undefined) return undefined;
    const source = { kind: "flag", name: `--${flag}` } as const;
    return { texts: given.map(({ text }) => text), source, where: last.spelling, viaFile };
  }

  /** An empty variable counts as not set: service files and compose files often cannot leave one out. */
  #fromEnv({ flag, viaFile }: Setting): Finding | undefined {
    const name = envName(this.#input.program.envPrefix, flag);
    const text = this.#input.env[name];
    if (text === undefined || text === "") return undefined;
    return { texts: [text], source: { kind: "env", name }, where: name, viaFile };
  }

  #fromForeignEnv({ option }: Setting): Finding[] {
    for (const [name, translate] of Object.entries(option.alsoEnv ?? {})) {
      const foreign = this.#input.env[name];
      const text = foreign === undefined ? undefined : translate(foreign, this.#input.program.name);
      if (text !== undefined)
        return [{ texts: [text], source: { kind: "env", name }, where: name, viaFile: false }];
    }
    return [];
  }

  async #readSecretFile({ texts, where }: Finding): Promise<readonly string[] | undefined> {
    const path = texts.at(-1) ?? "";
    try {
      return [(await this.#input.readFile(path)).replace(/[\r\n]+$/, "")];
    } catch (error) {
      const what = `cannot read ${quote(path)} (${errorCode(error)})`;
      this.problems.push({ where, what, next: "Name a file that this user can read." });
      return undefined;
    }
  }

  unknownFlags(): Problem[] {
    const own = flagsOf(this.#input.program, this.#command).map(({ name }) => `--${name}`);
    const elsewhere = this.#scanned.flags.filter(({ name }) => !own.includes(`--${name}`));
    return [
      ...this.#scanned.unknown.map((spelling) => ({
        where: spelling,
        what: "there is no such option",
        next: didYouMean(suggest(spelling, own), `Run ${this.#input.program.name} --help for the list.`),
      })),
      ...elsewhere.map(({ spelling, name }) => ({
        where: spelling,
        what: "is an option of another command",
        next: didYouMean(
          suggest(`--${name}`, own),
          `Leave it out, or see ${this.#input.program.name} --help.`,
        ),
      })),
    ];
  }

  /**
   * A variable one slip away from ours is a mistake and must not be ignored: the option it means may be the one that asks
   * for signatures. Others with our prefix come from outside (Kubernetes makes some for every service) and get a warning.
   */
  unknownEnv(): Problem[] {
    const { program, env } = this.#input;
    const known = flagsOf(program).map(({ name }) => envName(program.envPrefix, name));
    const problems: Problem[] = [];
    for (const [name, text] of Object.entries(env)) {
      if (!name.startsWith(program.envPrefix) || known.includes(name) || text === undefined || text === "")
        continue;
      const meant = suggest(
        name.slice(program.envPrefix.length),
        known.map((each) => each.slice(program.envPrefix.length)),
      );
      if (meant === undefined)
        this.warnings.push(`environment variable ${name} is not known and was ignored`);
      else
        problems.push({
          where: name,
          what: "there is no such setting",
          next: `Did you mean ${program.envPrefix}${meant}?`,
        });
    }
    return problems;
  }

  /** Hands out the words in order; `lenient` forgives those that are missing. */
  readPositionals(words: readonly string[], lenient: boolean): void {
    const left = [...words];
    for (const [key, positional] of Object.entries(this.#command.positionals)) {
      const many = positional.arity === "some" || positional.arity === "any";
      const taken = many ? left.splice(0) : left.splice(0, 1);
      this.values.set(key, many ? Object.freeze(taken) : taken[0]);
      this.sources.set(key, { kind: "argument", name: positional.placeholder });
      this.#checkPositional(positional, taken, lenient);
    }
    for (const word of left) {
      this.problems.push({
        where: quote(word),
        what: "is one word too many",
        next: "Put a value right after its flag.",
      });
    }
  }

  #checkPositional(positional: Positional, taken: readonly string[], lenient: boolean): void {
    const { placeholder, arity, check, description } = positional;
    if (taken.length === 0 && (arity === "one" || arity === "some") && !lenient) {
      this.problems.push({ where: `<${placeholder}>`, what: "is missing", next: `Give the ${description}.` });
    }
    for (const word of taken) {
      const complaint = check?.(word);
      if (complaint === undefined) continue;
      this.problems.push({
        where: `<${placeholder}>`,
        what: `${quote(word)} ${complaint}`,
        next: `Give the ${description}.`,
      });
    }
  }
}

function fromFile({ flag, viaFile }: Setting, file: FileLayer): Finding | undefined {
  const texts = file.values.get(flag);
  if (texts === undefined) return undefined;
  return { texts, source: { kind: "file", name: file.path }, where: `${flag} in ${file.path}`, viaFile };
}
