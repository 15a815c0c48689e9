/**
 * A fence holds the processes of one job together by means of the kernel. Without one (level `group`) a job is ended
 * by looking for its processes; with one it is ended by one call, and "nothing is left" is a fact to be read.
 */
import type { Exit } from "./launcher.ts";

export type FencedLevel = "pidns" | "cgroup";

export interface Fence {
  readonly level: FencedLevel;
  /** The command that enters the fence and then becomes the job, or starts it and waits. */
  wrap(file: string, args: readonly string[]): { readonly file: string; readonly args: readonly string[] };
  /** How the job itself ended, told from how the wrapping command did. */
  exit(wrapped: Exit): Exit;
  /** Tells the fence who leads the job, as soon as it exists. `startTicks` is 0 when it was gone before it could be read, whoever has its number. */
  begin(pid: number, startTicks: number): void;
  /** Living processes inside, as far as they can be named. */
  members(): readonly number[];
  isEmpty(): boolean;
  /** SIGKILL to all inside. Takes effect soon, not at once. */
  kill(): void;
  /** Frees the fence after the job. An occupied fence is left where it is. */
  release(): void;
}

/**
 * A fence that the process which starts the jobs stands in itself, so that they are born inside: none is moved, which the
 * kernel makes slow. It serves one job after the other.
 */
export interface StandingFence {
  /** The cgroup.procs to be entered, before the first job and whenever `mustEnter`. */
  readonly procs: string;
  /** Whether the server has been taken out of the fence, so that what was inside could be ended. */
  readonly mustEnter: boolean;
  /** The server stands inside. */
  entered(serverPid: number): void;
  /** The same fence as the job's. */
  readonly fence: Fence;
}

/** Makes the fences of one executor. */
export interface FenceMaker {
  readonly level: FencedLevel;
  make(): Fence;
  /** For a process that starts jobs; undefined at levels that have no use for it. */
  makeStanding?(): StandingFence;
  /** A cgroup that holds all fences; the watchdog kills it as a whole. */
  readonly cgroup?: string;
  /** Resolves when they are removed, or cannot be. */
  close(): Promise<void>;
}

/** `$0` of the shells that wrap a job: what they say on standard error begins with it. */
export const fenceShellName = "herorunner-fence";

/** What the shell of a fence said when it could not start the job; undefined when the job itself was started. */
export function failureAtFence(
  exit: Exit,
  startOfStderr: string,
): { code: string; message: string } | undefined {
  if (exit.kind !== "exited" || exit.code === 0 || !startOfStderr.startsWith(`${fenceShellName}: `))
    return undefined;
  const message = startOfStderr.split("\n", 1)[0] ?? "";
  const code = shellWords.find(([words]) => message.includes(words))?.[1] ?? "UNKNOWN";
  return { code, message };
}

/** The shell knows the errno and tells only its text. */
const shellWords: readonly (readonly [string, string])[] = [
  ["Text file busy", "ETXTBSY"],
  ["Permission denied", "EACCES"],
  ["not found", "ENOENT"],
  ["No such file", "ENOENT"],
  ["Argument list too long", "E2BIG"],
  ["fork", "EAGAIN"],
];
