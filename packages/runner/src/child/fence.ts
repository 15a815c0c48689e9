/**
 * A fence holds the processes of one job together by means of the kernel. Without one (level `group`) a job is ended
 * by looking for its processes; with one it is ended by one call, and "nothing is left" is a fact to be read.
 */
export type FencedLevel = "pidns" | "cgroup";

export interface Fence {
  readonly level: FencedLevel;
  /** The command that enters the fence and then becomes the job. */
  wrap(file: string, args: readonly string[]): { readonly file: string; readonly args: readonly string[] };
  /** Tells the fence who leads the job, as soon as it exists. */
  begin(pid: number): void;
  /** Living processes inside, as far as they can be named. */
  members(): readonly number[];
  isEmpty(): boolean;
  /** SIGKILL to all inside. Takes effect soon, not at once. */
  kill(): void;
  /** Frees the fence after the job. An occupied fence is left where it is. */
  release(): void;
}
