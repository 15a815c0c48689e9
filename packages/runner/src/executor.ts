/**
 * The Executor port: a command in, an execution out. An implementation never throws for anything the command does,
 * and when `run` resolves, no process of the command is left (as far as its isolation level promises).
 * `test/conformance/executor.ts` is the meaning of this port; every launcher passes it.
 */
import type { ExecutionFacts, Output } from "@herorunner/job";

export interface Command {
  /** Absolute path of the binary. */
  readonly file: string;
  readonly args: readonly string[];
  /** Written to the child's standard input, then the stream is closed. */
  readonly stdin: string;
  /** The child's whole environment; nothing is inherited. A Map, because names come from outside. */
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string;
  /** From the start of the process to SIGTERM; 1 to 604 800 000. */
  readonly timeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly killGraceMs: number;
  /** More output than this, both streams together, ends the process as `output_limit`. */
  readonly maxOutputBytes: number;
  /** Values that must not appear in anything kept or logged. */
  readonly secrets: readonly string[];
  /**
   * Given when a process that already waits may do it: one started from this very template, told `input` on its standard
   * input. Without such a process the command is started as it stands.
   */
  readonly warm?: { readonly template: WarmTemplate; readonly input: string };
}

/** What a process that waits for its job is started with. `env` is its whole environment, known before the job is. */
export type WarmTemplate = Pick<Command, "file" | "args" | "cwd" | "env">;

/** How it ended. The first cause wins: a kill that follows a timeout is a timeout. */
export type Ending =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: NodeJS.Signals }
  | { readonly kind: "timed_out" }
  | { readonly kind: "aborted" }
  | { readonly kind: "output_limit" }
  /**
   * `code` is the errno word (ENOENT, EACCES, E2BIG …); `explanation` says what it means here. ENOENT has three causes,
   * told apart by `missing`: the binary itself, the interpreter it names, or the working folder.
   */
  | {
      readonly kind: "not_started";
      readonly code: string;
      readonly explanation: string;
      readonly missing?: "file" | "interpreter" | "folder";
    };

export interface Execution {
  readonly ending: Ending;
  readonly output: Output;
  readonly facts: ExecutionFacts & { readonly durationMs: number };
}

/** Watches output while it comes. Offsets count bytes of the stream as kept (after masking). Must not throw. */
export type OutputListener = (stream: "out" | "err", offset: number, data: string) => void;

export interface Executor {
  /** Runs the command to its end. `signal` ends it early, politely first. */
  run(command: Command, signal: AbortSignal, onOutput?: OutputListener): Promise<Execution>;
  /** Ends everything that is still running and frees the executor's own resources. */
  close(): Promise<void>;
}
