/**
 * The Launcher port: how a process is made and its output read. What it means for a job to end is not decided here.
 * A launched process leads its own session and process group, has descriptors 0, 1 and 2 and no others, and can open
 * `/dev/stdin`, `/dev/stdout` and `/dev/stderr` by name.
 */
import type { Fence } from "./fence.ts";

export interface LaunchRequest {
  /** Absolute path. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string;
  readonly stdin: string;
  /**
   * Called with the pid before anything is known of the process's end, so that it can be looked after. A process that ended
   * before that could be told is not announced. `parent` is the process whose child it is as long as both live. Must
   * not throw.
   */
  readonly onStarted: (pid: number, fence: Fence | undefined, parent: number) => void;
  /** Called with each piece of output, and not after `release`. The bytes are the caller's only during the call. Must not throw. */
  readonly onBytes: (stream: "out" | "err", bytes: Uint8Array) => void;
}

export type Exit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: NodeJS.Signals };

export interface LaunchedProcess {
  /** Its pid, which is also the id of its group and session. */
  readonly pid: number;
  /** Where the isolation level has one: the fence it was started in, also when it was not announced. */
  readonly fence: Fence | undefined;
  readonly exit: Promise<Exit>;
  /** How it ended, when that is known at once and the launcher has seen that nothing is left: no output to come, no process. */
  readonly endedCleanly: Exit | undefined;
  /** Once `exit` is known: whether the launcher has looked then and found that nothing of the job can be left. False says nothing. */
  leftNothing(): boolean;
  /** Resolves when nobody holds the write end of either stream any more, or after `releaseOutput`. */
  readonly outputEnded: Promise<void>;
  /** Gives up output and fence, when the job is over. Whoever still writes gets SIGPIPE. */
  release(): void;
}

export interface LaunchFailure {
  readonly ok: false;
  /** The errno word. */
  readonly code: string;
  readonly message: string;
}

export type LaunchResult = { readonly ok: true; readonly process: LaunchedProcess } | LaunchFailure;

/** A process that waits for its standard input. */
export interface PreparedProcess extends LaunchedProcess {
  /** Writes standard input to its end, once. */
  feed(stdin: string): void;
}

export interface Launcher {
  /** Must be called on the main thread. Never rejects. Nothing of a failed launch is left. */
  launch(request: LaunchRequest): Promise<LaunchResult>;
  /**
   * Launches a process that waits for its input on a pipe. Undefined: not now. A launcher without this cannot do it at all.
   * It takes nothing from the jobs that are to run at once.
   */
  prepare?(request: Omit<LaunchRequest, "stdin">): Promise<PreparedProcess | undefined>;
  /** Frees what was made ahead. Processes that run are not touched. */
  close(): Promise<void>;
}
