/** An Executor without processes: a function says how each command ends, and the commands are kept. */
import type { ExecutionFacts } from "@herorunner/job";
import type { Command, Ending, Execution, Executor, OutputListener } from "../executor.ts";

export type Script = (
  command: Command,
  signal: AbortSignal,
  onOutput: OutputListener,
) => Execution | Promise<Execution>;

export class ScriptedExecutor implements Executor {
  readonly commands: Command[] = [];
  readonly #script: Script;

  /** Default: every command exits with status 0 and writes nothing. */
  constructor(script: Script = () => execution({ kind: "exited", code: 0 })) {
    this.#script = script;
  }

  async run(command: Command, signal: AbortSignal, onOutput?: OutputListener): Promise<Execution> {
    this.commands.push(command);
    return this.#script(command, signal, onOutput ?? (() => undefined));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export interface ExecutionParts {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly facts?: ExecutionFacts;
}

/** An Execution for a script to answer with. */
export function execution(ending: Ending, parts: ExecutionParts = {}): Execution {
  const { stdout = "", stderr = "", facts = {} } = parts;
  const stdoutBytes = Buffer.byteLength(stdout);
  const stderrBytes = Buffer.byteLength(stderr);
  return {
    ending,
    output: { stdout, stderr, stdoutBytes, stderrBytes, droppedBytes: 0 },
    facts: { durationMs: 5, ...facts },
  };
}
