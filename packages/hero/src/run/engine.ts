/**
 * Runs statements in QuickJS: an interpreter in WebAssembly that reaches nothing of this process but the five
 * functions given to it. Memory, stack and time are limited; errors come back with the script's own line.
 */
import type { QuickJSContext, QuickJSHandle } from "quickjs-emscripten-core";
import { ActionError, messageOf } from "../errors.ts";
import type { Diagnostic } from "../script/diagnostics.ts";
import { compileProgram } from "./compile.ts";
import { performLine } from "./direct.ts";
import { locate, runtimeFailure, syntaxDiagnostic, type EngineError } from "./engine-error.ts";
import { ScriptFailure } from "./failure.ts";
import { memoryIsFull, memoryLimitBytes, OutOfMemory, quickJsForRun } from "./interpreter.ts";
import { prelude } from "./prelude.ts";
import type { Program } from "./program.ts";
import type { Session } from "./session.ts";

const stackLimitBytes = 256 * 1024;
export class Engine {
  readonly #context: QuickJSContext;
  readonly #session: Session;
  readonly #programs: Program[] = [];
  /** Errors that crossed into the script, so that one it does not catch comes back unchanged. */
  readonly #failures: Error[] = [];
  /** Something the script must not catch. */
  #fatal: Error | undefined;

  private constructor(context: QuickJSContext, session: Session) {
    this.#context = context;
    this.#session = session;
  }

  static async start(session: Session, scriptLength: number): Promise<Engine> {
    const quickjs = await quickJsForRun(scriptLength);
    const runtime = quickjs.newRuntime();
    runtime.setMemoryLimit(memoryLimitBytes);
    runtime.setMaxStackSize(stackLimitBytes);
    const engine = new Engine(runtime.newContext(), session);
    engine.#install();
    // Not before: what is ours comes to its end, and the script is told of the time.
    runtime.setInterruptHandler(() => engine.#fatal !== undefined || session.timeIsUp);
    return engine;
  }

  /** The first syntax error of a program's statements; nothing when other errors make it pointless to look. */
  checkSyntax(program: Program, known: readonly Diagnostic[]): Diagnostic[] {
    if (known.some((diagnostic) => diagnostic.severity === "error" && isTorn(diagnostic))) return [];
    const context = this.#context;
    const code = compileProgram(program, 0);
    try {
      const result = context.evalCode(code, locate(0), { strict: true, compileOnly: true });
      if (result.error === undefined) {
        result.value.dispose();
        return [];
      }
      const error = this.#describe(result.error);
      if (error.message === outOfMemory.message) throw new OutOfMemory();
      return [syntaxDiagnostic(program, error)];
    } catch (error) {
      if (!isOurStack(error) && !(error instanceof OutOfMemory)) throw error;
      const tooLong = error instanceof OutOfMemory || memoryIsFull();
      const why = tooLong ? "it is too long" : "brackets are nested too deep";
      const message = `JavaScript cannot read this: ${why}`;
      return [{ severity: "error", code: "javascript", message, line: 0, column: 0, length: 1 }];
    }
  }

  /** Runs a program to its end. Throws ScriptFailure for everything a script can cause. */
  run(program: Program): void {
    const id = this.#programs.push(program) - 1;
    try {
      const result = this.#context.evalCode(compileProgram(program, id), locate(id), { strict: true });
      if (result.error !== undefined) throw this.#uncaught(program, result.error);
      result.value.dispose();
      // The script caught it and came to its end.
      if (this.#fatal !== undefined) throw this.#fatal;
    } catch (error) {
      if (!isOurStack(error) && !(error instanceof OutOfMemory)) throw error;
      const message =
        error instanceof OutOfMemory || memoryIsFull()
          ? outOfMemory.message
          : "the script needs more stack than it is given";
      throw new ScriptFailure(program, undefined, { message, kind: "failed" });
    }
  }

  #uncaught(program: Program, handle: QuickJSHandle): Error {
    const error = this.#describe(handle);
    if (this.#fatal !== undefined) return this.#fatal;
    const kept = error.failure === undefined ? undefined : this.#failures[error.failure];
    if (kept instanceof ScriptFailure) return kept;
    const kind = kept instanceof ActionError ? kept.kind : "failed";
    const timeIsUp = this.#session.timeIsUp;
    return runtimeFailure(
      { fallback: program, programs: this.#programs, registry: this.#session.options.registry },
      error,
      {
        kind: timeIsUp ? "time" : kind,
        timeIsUp,
      },
    );
  }

  #describe(handle: QuickJSHandle): EngineError {
    const context = this.#context;
    const read = (name: string): unknown => {
      if (context.typeof(handle) !== "object" || context.eq(handle, context.null)) return undefined;
      const property = context.getProp(handle, name);
      const value: unknown = context.dump(property);
      property.dispose();
      return value;
    };
    try {
      const [name, message, stack, failure] = ["name", "message", "stack", "failure"].map(read);
      const isNull = context.eq(handle, context.null);
      const saysSo = message === outOfMemory.message && stack === undefined;
      if (memoryIsFull() && (isNull || saysSo || (name === "" && message === ""))) return outOfMemory;
      const isError = typeof stack === "string" && typeof message === "string";
      return {
        name: typeof name === "string" ? name : "",
        message: isError ? message : `uncaught value: ${JSON.stringify(context.dump(handle)) ?? "undefined"}`,
        stack: typeof stack === "string" ? stack : "",
        ...(typeof failure === "number" ? { failure } : {}),
        deliberate: read("deliberate") === true,
      };
    } catch {
      return {
        name: "",
        message: "the script failed with an error that cannot be read",
        stack: "",
        deliberate: false,
      };
    } finally {
      handle.dispose();
    }
  }

  #install(): void {
    const context = this.#context;
    const { registry, args } = this.#session.options;
    const setup = {
      args,
      actors: registry.loaded().map((actor) => ({ name: actor.name, actions: Object.keys(actor.actions) })),
    };
    const parts = [
      this.#function("print", (text) => {
        // In JSON, since texts end at their first U+0000 on the way out of the engine. The prelude builds it.
        this.#session.options.output.print(readJson(text) as string);
      }),
      this.#function("call", (actor, name, given) => this.#answer(() => this.#call(actor, name, given))),
      this.#function("line", (program, index, results) =>
        this.#answer(() => this.#line(program, index, results)),
      ),
      this.#function("env", (what, name) => this.#environment(what, name)),
      context.newString(JSON.stringify(setup)),
    ];
    const install = context.unwrapResult(context.evalCode(prelude, "hero-prelude"));
    context.unwrapResult(context.callFunction(install, context.undefined, ...parts)).dispose();
    install.dispose();
    for (const part of parts) part.dispose();
  }

  /** A function of ours inside the engine; takes and returns text only. */
  #function(
    name: string,
    run: (...texts: [string, string, string]) => string | undefined | void,
  ): QuickJSHandle {
    const context = this.#context;
    return context.newFunction(name, (...handles) => {
      try {
        if (this.#fatal !== undefined) throw this.#fatal;
        const [first = "", second = "", third = ""] = handles.map((handle) => context.getString(handle));
        const answer = run(first, second, third);
        return answer === undefined ? context.undefined : context.newString(answer);
      } catch (error) {
        // The script may catch it, as it may where its own statements find no memory.
        if (error instanceof OutOfMemory) throw error;
        this.#fatal ??= error instanceof Error ? error : new Error(messageOf(error));
        throw this.#fatal;
      }
    });
  }

  #environment(what: string, name: string): string | undefined {
    const { env } = this.#session;
    return what === "names" ? JSON.stringify(env.names()) : env.get(name);
  }

  #answer(run: () => unknown): string {
    try {
      return JSON.stringify({ ok: true, value: run() });
    } catch (error) {
      if (!(error instanceof ActionError)) throw error;
      return JSON.stringify({ ok: false, message: error.message, failure: this.#failures.push(error) - 1 });
    }
  }

  #call(actor: string, name: string, given: string): unknown {
    // The prelude builds this text; params come from the script and can hold anything.
    const { params, args } = readJson(given) as { params: Record<string, unknown>; args: string[] };
    return this.#session.perform({
      actor,
      name,
      params: new Map(Object.entries(params)),
      args,
      form: "call",
    });
  }

  #line(id: string, index: string, results: string): void {
    const program = this.#programs[Number(id)];
    const action = program?.script.actions[Number(index)];
    // The prelude builds this text from strings.
    const texts = readJson(results) as string[];
    if (program === undefined || action === undefined) throw new ActionError("there is no such line");
    performLine(program, action, texts, this.#session);
  }
}

/** Without memory for an error the interpreter throws null, or one without its stack or with texts that cannot be read. */
const outOfMemory: EngineError = { name: "", message: "out of memory", stack: "", deliberate: false };

/** What the prelude has written. A text for whose copy the engine has no room comes out of it as an empty one. */
function readJson(text: string): unknown {
  if (text === "") throw new OutOfMemory();
  return JSON.parse(text);
}

/** The interpreter runs on the stack of this process, which can end before the script's own. */
function isOurStack(error: unknown): boolean {
  return error instanceof Error && (error.name === "RangeError" || error.name === "RuntimeError");
}

/** Brackets that do not match make every other message of the engine misleading. */
function isTorn(diagnostic: Diagnostic): boolean {
  return (
    diagnostic.code === "bracket" || diagnostic.code === "template" || diagnostic.code === "asynchronous"
  );
}
