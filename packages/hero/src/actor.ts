/**
 * What an actor is: a name and actions with typed parameters. Built-in actors and those of `--actors DIR` use the
 * same definition. Everything an action does outside its own code goes through the context it is given.
 */

interface KindTypes {
  /** Any text. */
  string: string;
  /** A name given to another program: not empty, no `-` at its start, no control characters. */
  name: string;
  /** Several names, between commas. */
  names: readonly string[];
  /** A command as words: white space separates, quotes hold together. Never given to a shell. */
  words: readonly string[];
  int: number;
  float: number;
  /** With default true, or none: only `1 true y yes` are true. With default false: only `0 false n no` are false. */
  bool: boolean;
  /** Items between commas, quotes and outer brackets removed. */
  list: readonly string[];
  /** A path; `~` is the home folder, a relative one starts at the folder of the script. */
  path: string;
}

export type ParameterKind = keyof KindTypes;

export interface ParameterDefinition {
  readonly kind: ParameterKind;
  readonly doc: string;
  readonly required?: boolean;
  readonly default?: string | number | boolean | readonly string[];
  /** A required text may be empty. */
  readonly allowEmpty?: boolean;
  /** The only values allowed, for kinds that are text. */
  readonly choices?: readonly string[];
}

export type ParameterDefinitions = Readonly<Record<string, ParameterDefinition>>;

type Present<P extends ParameterDefinition> = P extends { required: true }
  ? true
  : P extends { default: string | number | boolean | readonly string[] }
    ? true
    : false;

/** The values an action is given: required ones and those with a default are always there. */
export type ActionInput<P extends ParameterDefinitions> = {
  readonly [K in keyof P]: Present<P[K]> extends true
    ? KindTypes[P[K]["kind"]]
    : KindTypes[P[K]["kind"]] | undefined;
};

export interface ExecOptions {
  readonly cwd?: string;
  /** Added to the environment of the script; what is undefined is taken out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Return a status other than 0 instead of failing. */
  readonly allowFailure?: boolean;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

/** Variables of the script and of the programs it starts. */
export interface Environment {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  unset(name: string): void;
  names(): string[];
}

/** The world as an action sees it. Lives for one call. */
export interface ActionContext {
  /** Words without a name, in order. */
  readonly args: readonly string[];
  /** Parameters that the definition does not name, if it has `rest`. */
  readonly rest: ReadonlyMap<string, string>;
  readonly env: Environment;
  /** Session variables: `{name}` in later parameter values. */
  readonly variables: Map<string, string>;
  /** Kept for the whole run and shared by all actions. */
  readonly state: Map<string, unknown>;
  /** Folder of the script that is running; relative paths start here. */
  readonly folder: string;
  readonly home: string;
  /** A line of text on standard output. */
  print(text: string): void;
  /** A line for people on standard error. */
  note(text: string): void;
  /** Ends the action with a sentence. */
  fail(message: string): never;
  /** Starts a program with an argument vector and an empty standard input, waits for it, returns its output. */
  exec(program: string, args: readonly string[], options?: ExecOptions): ExecResult;
  /** As exec, but what the program writes goes straight to our own output; in JSON mode to standard error. */
  stream(program: string, args: readonly string[], options?: ExecOptions): void;
  /** Runs the heroscript at a path; names in `replacements` are replaced in its text first. */
  include(path: string, replacements: ReadonlyMap<string, string>): void;
}

export interface ActionDefinition<P extends ParameterDefinitions = ParameterDefinitions> {
  /** One sentence or more; the first is shown in lists. */
  readonly doc: string;
  readonly params: P;
  /** Present when the action takes words without a name. */
  readonly args?: { readonly name: string; readonly doc: string };
  /** Present when the action takes parameters of any name; they come as `context.rest`. */
  readonly rest?: { readonly name: string; readonly doc: string };
  /** A rule over several parameters; a sentence when it is broken. Runs before anything else, if all values are known. */
  check?(input: ActionInput<P>, args: readonly string[]): string | undefined;
  /** Does the work and returns plain data (what JSON can hold), at once: not a promise. */
  run(input: ActionInput<P>, context: ActionContext): unknown;
  /** The result as text for people, printed when the action stands in a script. Default: text as it is, data as JSON. */
  print?(result: unknown, context: ActionContext): string | undefined;
  /** Used instead of run and print when the action stands in a script: for programs whose output is passed through. */
  show?(input: ActionInput<P>, context: ActionContext): void;
}

export interface ActorDefinition {
  /** Lower case letters, digits and _. */
  readonly name: string;
  readonly doc: string;
  readonly actions: Readonly<Record<string, ActionDefinition>>;
}

/** Gives the input of an action its types. Returns the definition as it is. */
export function defineAction<const P extends ParameterDefinitions>(
  definition: ActionDefinition<P>,
): ActionDefinition {
  return definition;
}

/** Returns the definition as it is; there for the types. */
export function defineActor(definition: ActorDefinition): ActorDefinition {
  return definition;
}
