/**
 * `--prewarm N`: hero started ahead of its jobs, waiting on standard input, so that a job does not wait for hero's own start. A
 * process that waits cannot be given another environment: what names the job comes as the first line of its input, which
 * only a hero that knows HERO_LATE_ENV understands. Whether this one does is tried, never assumed.
 */
import { randomBytes } from "node:crypto";
import type { VerifiedJob } from "@herorunner/job";
import type { ChildExecutor, Command, JobEnvironment, Logger, WarmTemplate } from "@herorunner/runner";

export interface PrewarmOptions {
  readonly executor: ChildExecutor;
  /** How many wait. */
  readonly count: number;
  /** Of a job that brings no variables, without what names the job. */
  readonly environment: ReadonlyMap<string, string>;
  readonly cwd: string;
  readonly logger: Logger;
  /** Aborts when nothing more is to be started. */
  readonly ending: AbortSignal;
}

const heroArgs = ["run", "-s"];
const trialTimeoutMs = 10_000;

export class Prewarm {
  readonly #options: PrewarmOptions;
  /** The binary that was tried last. */
  #tried: string | undefined;
  #template: WarmTemplate | undefined;

  constructor(options: PrewarmOptions) {
    this.#options = options;
  }

  /** Tries the hero at `path`, and lets it wait if it can. Never rejects. */
  async use(path: string): Promise<void> {
    const { executor, count, environment, cwd, logger } = this.#options;
    this.#tried = path;
    this.#template = undefined;
    const env = new Map([...environment, ["HERO_LATE_ENV", "stdin"]]);
    const template = { file: path, args: heroArgs, cwd, env };
    const problem = await this.#trial(template);
    if (this.#options.ending.aborted || this.#tried !== path) return;
    if (problem !== undefined) {
      logger.error({ hero: path }, `--prewarm: ${problem}; its jobs are started when they come`);
      return;
    }
    this.#template = template;
    executor.keepWarm(template, count);
    logger.info({ hero: path, count }, "hero waits for its jobs");
  }

  /** What lets a waiting process do this job; undefined when it must have one of its own. `path`: the hero it would be started with. */
  for(
    job: VerifiedJob,
    path: string,
    { ofJob }: Extract<JobEnvironment, { ok: true }>,
  ): Command["warm"] | undefined {
    if (path !== this.#tried) void this.use(path);
    const template = this.#template;
    if (template === undefined || job.envVars.size > 0 || job.allowedActions !== undefined) return undefined;
    return { template, input: `${JSON.stringify(Object.fromEntries(ofJob))}\n${job.payload}` };
  }

  /** Undefined when it understood. */
  async #trial(template: WarmTemplate): Promise<string | undefined> {
    const word = randomBytes(8).toString("hex");
    const command: Command = {
      ...template,
      stdin: `${JSON.stringify({ HERO_JOB_ID: word })}\nprint(env.HERO_JOB_ID)\n`,
      timeoutMs: trialTimeoutMs,
      killGraceMs: 1_000,
      maxOutputBytes: 65_536,
      secrets: [],
    };
    const { ending, output } = await this.#options.executor.run(command, this.#options.ending);
    const understood = ending.kind === "exited" && ending.code === 0 && output.stdout === `${word}\n`;
    return understood ? undefined : "this hero does not take the variables of a job after its start";
  }
}
