/**
 * One run: performs actions, one at a time, and keeps what outlives a single action: environment, session variables,
 * limits, and the state actors share. Whoever asks, a line of the script or a function call in a statement, goes
 * through the same door: known, allowed, bound, then run.
 */
import type { ActionContext, ActionDefinition, Environment } from "../actor.ts";
import { bindParameters } from "../bind.ts";
import { ActionError } from "../errors.ts";
import { execProgram, streamProgram, type ExecHost } from "../exec.ts";
import type { RunOutput } from "../output.ts";
import type { Registry } from "../registry.ts";
import { nearestName } from "../script/names.ts";
import { isAllowed, type AllowList } from "./allow.ts";

export interface SessionOptions {
  readonly registry: Registry;
  readonly output: RunOutput;
  readonly allow: readonly AllowList[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cwd: string;
  readonly args: readonly string[];
  /** Milliseconds on the clock of `nowMs` at which everything ends; undefined for no limit. */
  readonly deadlineMs: number | undefined;
  readonly nowMs: () => number;
}

export interface ActionCall {
  readonly actor: string;
  readonly name: string;
  readonly params: ReadonlyMap<string, unknown>;
  readonly args: readonly string[];
  /** `line`: the action stands in the script and shows its result. `call`: a statement takes the result as data. */
  readonly form: "line" | "call";
}

class ScriptEnvironment implements Environment {
  readonly #values: Map<string, string>;

  constructor(initial: Readonly<Record<string, string | undefined>>) {
    this.#values = new Map(
      Object.entries(initial).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value] as const],
      ),
    );
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  unset(name: string): void {
    this.#values.delete(name);
  }

  names(): string[] {
    return [...this.#values.keys()];
  }

  all(): Record<string, string> {
    return Object.fromEntries(this.#values);
  }
}

export class Session {
  readonly options: SessionOptions;
  readonly env: ScriptEnvironment;
  readonly variables = new Map<string, string>();
  /** Set by whoever runs programs; performs `play.include`. */
  include: (path: string, replacements: ReadonlyMap<string, string>) => void = () => {
    throw new ActionError("nothing can be included here");
  };
  /** Folder of the program that is running now. */
  folder: string;
  readonly #state = new Map<string, unknown>();
  readonly #execHost: ExecHost;

  constructor(options: SessionOptions) {
    this.options = options;
    this.folder = options.cwd;
    this.env = new ScriptEnvironment(options.environment);
    this.#execHost = {
      environment: () => this.env.all(),
      cwd: options.cwd,
      remainingMs: () =>
        options.deadlineMs === undefined ? undefined : options.deadlineMs - options.nowMs(),
    };
  }

  get timeIsUp(): boolean {
    const { deadlineMs, nowMs } = this.options;
    return deadlineMs !== undefined && nowMs() >= deadlineMs;
  }

  /** Runs one action and returns its data. Throws ActionError, and nothing else for anything a script can cause. */
  perform(call: ActionCall): unknown {
    const label = `${call.actor}.${call.name}`;
    const definition = this.#definition(call);
    if (!isAllowed(this.options.allow, call.actor, call.name)) {
      throw new ActionError(`${label} is not allowed in this run`, "not-allowed");
    }
    if (this.timeIsUp) throw new ActionError("the time limit of the script is reached", "time");
    const { input, rest, problems } = bindParameters(definition, call, {
      folder: this.folder,
      home: this.options.home,
    });
    const [problem] = problems;
    if (problem !== undefined) {
      const hint = problem.hint === undefined ? "" : `; ${problem.hint}`;
      throw new ActionError(`${label}: ${problem.message}${hint}`, "bad-parameter");
    }
    try {
      return this.#run(definition, input, call, this.#context(call, rest));
    } catch (error) {
      throw asActionError(label, error);
    }
  }

  #run(
    definition: ActionDefinition,
    input: Readonly<Record<string, unknown>>,
    call: ActionCall,
    context: ActionContext,
  ): unknown {
    // The input was bound from the definition's own parameters.
    const typed = input as never;
    const { output } = this.options;
    if (call.form === "line" && !output.json && definition.show !== undefined) {
      definition.show(typed, context);
      return undefined;
    }
    const result = plainData(definition.run(typed, context));
    if (call.form === "call") return result;
    if (output.json) output.result(`${call.actor}.${call.name}`, result);
    else {
      const text = definition.print === undefined ? showData(result) : definition.print(result, context);
      if (text !== undefined && text !== "") output.print(text);
    }
    return result;
  }

  #definition(call: ActionCall): ActionDefinition {
    const { registry } = this.options;
    const definition = registry.action(call.actor, call.name);
    if (definition !== undefined) return definition;
    const actor = registry.actor(call.actor);
    const known = actor === undefined ? registry.names : Object.keys(actor.actions);
    const nearest = nearestName(actor === undefined ? call.actor : call.name, known);
    const what =
      actor === undefined
        ? `there is no actor "${call.actor}"`
        : `${call.actor} has no action "${call.name}"`;
    throw new ActionError(nearest === undefined ? what : `${what}; did you mean "${nearest}"?`, "unknown");
  }

  #context(call: ActionCall, rest: ReadonlyMap<string, string>): ActionContext {
    const host = this.#execHost;
    const { output } = this.options;
    return {
      args: call.args,
      rest,
      env: this.env,
      variables: this.variables,
      state: this.#state,
      folder: this.folder,
      home: this.options.home,
      print: (text) => output.print(text),
      note: (text) => output.note(text),
      fail: (message) => {
        throw new ActionError(message);
      },
      exec: (program, args, options) => execProgram(host, program, args, options),
      stream: (program, args, options) => {
        if (output.json) output.note(execProgram(host, program, args, options).stdout.trimEnd());
        else streamProgram(host, program, args, options);
      },
      include: (path, replacements) => this.include(path, replacements),
    };
  }
}

function asActionError(label: string, error: unknown): ActionError {
  if (error instanceof ActionError) {
    // The error of an included script already says where it happened.
    return error.kind === "failed" && !(error instanceof LocatedError)
      ? new ActionError(`${label} failed: ${error.message}`, error.kind, error)
      : error;
  }
  if (error instanceof Error && error.name === "ReaderGone") throw error;
  const message = error instanceof Error ? error.message : String(error);
  return new ActionError(`${label} failed: ${message}`, "failed", error);
}

/** An error that has been reported with its place in a script. */
export class LocatedError extends ActionError {}

/** What a run function returned, as JSON can hold it. */
function plainData(result: unknown): unknown {
  if (result === undefined) return undefined;
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new ActionError("the action returned a promise; actions must finish before they return");
  }
  const text = JSON.stringify(result);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Data as text for people. */
function showData(data: unknown): string | undefined {
  if (data === undefined || data === null) return undefined;
  if (typeof data === "string") return data;
  if (Array.isArray(data) && data.every((item) => typeof item === "string")) return data.join("\n");
  return JSON.stringify(data, null, 2);
}
