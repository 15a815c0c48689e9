/** The runner of heroscripts: payload in, `hero run` in a process of its own, Execution → JobOutcome out. */
import { mkdtemp, rm, rmdir, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ErrorOutcome, failed, type JobOutcome, type VerifiedJob } from "@herorunner/job";
import {
  type Command,
  defineRunner,
  type Execution,
  type Executor,
  type JobContext,
  jobEnvironment,
  type EnvironmentPolicy,
  type JobEnvironment,
  type Runner,
  stoppedOutcome,
  type StopReason,
} from "@herorunner/runner";
import type { HeroLocator, NoHero } from "./hero-binary.ts";
import type { Invocation } from "./job-options.ts";
import { type JobTraces, noTraces } from "./job-traces.ts";
import type { Prewarm } from "./prewarm.ts";

export const runnerType = "hero";

export interface HeroRunnerOptions {
  readonly runnerId: string;
  readonly executor: Executor;
  readonly hero: HeroLocator;
  readonly invoke: Invocation;
  readonly environment: EnvironmentPolicy;
  readonly graceMs: number;
  readonly maxOutputBytes: number;
  /** Where jobs start. */
  readonly cwd: string;
  /** Lets jobs without variables of their own be done by a process that already waits. */
  readonly prewarm?: Prewarm;
  /** Tells the job's processes where in its trace they are. */
  readonly traces?: JobTraces;
}

export function createHeroRunner(options: HeroRunnerOptions): Runner {
  const { traces = noTraces } = options;
  return defineRunner({
    runnerType,
    runnerId: options.runnerId,
    processJob: (job, context) =>
      traces.process(job, context.claim, (trace) => runHero({ job, trace }, context, options)),
  });
}

interface TracedJob {
  readonly job: VerifiedJob;
  readonly trace: string;
}

async function runHero(
  { job, trace }: TracedJob,
  context: JobContext,
  options: HeroRunnerOptions,
): Promise<JobOutcome> {
  const { id, callerId, contextId, runner, envVars, envUnsafe } = job;
  const facts = { id, callerId, contextId, runner, envVars, envUnsafe, trace };
  const environment = jobEnvironment(options.environment, facts);
  if (!environment.ok) return failed(environment.reason, environment.message); // admission has asked already
  let hero = options.hero.last;
  if (!hero.found) return noProgram(hero);
  // Nothing is waited for on the way to a process that takes its script on stdin.
  const script =
    options.invoke === "file" ? await inFile(job).catch(notWritten) : inWords(job, options.invoke);
  if ("kind" in script) return script;
  try {
    const execute = (file: string): Promise<Execution> => {
      const warm = options.prewarm?.for(job, file, environment);
      const command = commandOf(file, { job, script, environment }, options);
      return options.executor.run(
        warm === undefined ? command : { ...command, warm },
        context.signal,
        context.log,
      );
    };
    let execution = await execute(hero.path);
    if (wasNotThere(execution)) {
      const tried = hero.path;
      hero = options.hero.locate();
      if (!hero.found) return noProgram(hero);
      if (hero.path !== tried) execution = await execute(hero.path);
    }
    return outcomeOf(execution, job, {
      hero: hero.path,
      stopReason: context.signal.reason as StopReason | undefined,
    }); // LeaseKeeper aborts with nothing else
  } finally {
    await script.remove();
  }
}

function noProgram({ reason, sentence }: NoHero): ErrorOutcome {
  const what = reason === "hero_not_found" ? "hero was not found" : "hero cannot be started";
  return failed(reason, `${what}: ${sentence}`);
}

/** By what the kernel says before anything runs. Whoever was ended in between may have run. */
function wasNotThere({ ending }: Execution): boolean {
  return ending.kind === "not_started" && ["ENOENT", "ENOTDIR", "EACCES"].includes(ending.code);
}

interface Prepared {
  readonly job: VerifiedJob;
  readonly script: HandedOver;
  readonly environment: Extract<JobEnvironment, { ok: true }>;
}

function commandOf(
  file: string,
  { job, script, environment }: Prepared,
  options: HeroRunnerOptions,
): Command {
  return {
    file,
    args: [...script.args, ...allowArgs(job)],
    stdin: script.stdin,
    env: environment.env,
    cwd: options.cwd,
    timeoutMs: job.timeoutMs,
    killGraceMs: options.graceMs,
    maxOutputBytes: options.maxOutputBytes,
    secrets: environment.secrets,
  };
}

interface HandedOver {
  readonly args: readonly string[];
  readonly stdin: string;
  remove(): Promise<void>;
}

const nothingToRemove = (): Promise<void> => Promise.resolve();

function inWords(job: VerifiedJob, invoke: Exclude<Invocation, "file">): HandedOver {
  switch (invoke) {
    case "stdin":
      return { args: ["run", "-s"], stdin: job.payload, remove: nothingToRemove };
    case "script":
      return { args: ["run", "-s", job.payload], stdin: "", remove: nothingToRemove };
    case "heroscript":
      return { args: ["run", "-h", job.payload], stdin: "", remove: nothingToRemove };
  }
}

async function inFile(job: VerifiedJob): Promise<HandedOver> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-script-"));
  const file = join(folder, "script.hero");
  // The first two need no free descriptors. Never an error: it would take the place of the job's outcome.
  const remove = (): Promise<void> =>
    unlink(file)
      .then(() => rmdir(folder))
      .catch(() => rm(folder, { recursive: true, force: true }))
      .catch(() => undefined);
  try {
    await writeFile(file, job.payload, { mode: 0o600 });
  } catch (error) {
    await remove();
    throw error;
  }
  return { args: ["run", "-p", file], stdin: "", remove };
}

function notWritten(error: unknown): ErrorOutcome {
  const why = error instanceof Error ? error.message : String(error);
  return failed("could_not_start", `the script could not be written to a temporary file: ${why}`);
}

/** The signers' grants reach hero too, so that a script cannot do at run time what its text did not show. */
function allowArgs(job: VerifiedJob): readonly string[] {
  return job.allowedActions === undefined ? [] : ["--allow", job.allowedActions.join(",")];
}

interface EndingContext {
  readonly hero: string;
  readonly stopReason: StopReason | undefined;
}

/** Every ending has its reason word and a sentence that a person can act on. */
export function outcomeOf(execution: Execution, job: VerifiedJob, context: EndingContext): JobOutcome {
  const { ending, output, facts } = execution;
  const rest = { output, facts };
  switch (ending.kind) {
    case "exited":
      if (ending.code === 0) return { kind: "finished", output, facts };
      return failed("exit_status", exitSentence(ending.code, context.hero), {
        ...rest,
        exitCode: ending.code,
      });
    case "signalled":
      return failed(
        "killed_by_signal",
        `${context.hero} was killed by ${ending.signal}, not by this runner${signalHint(ending.signal)}`,
        {
          ...rest,
          signal: ending.signal,
        },
      );
    case "timed_out":
      return failed("timeout", timeoutSentence(job.timeoutMs), rest);
    case "output_limit":
      return failed("output_limit", "it wrote more than --max-output allows; its processes were ended", rest);
    case "aborted": {
      const stopped = stoppedOutcome(context.stopReason === "cancelled" ? "cancelled" : "shutdown");
      return { ...stopped, ...rest };
    }
    case "not_started": {
      const reason = ending.missing === "file" ? "hero_not_found" : "could_not_start";
      return failed(
        reason,
        `${context.hero} could not be started: ${ending.code}, ${ending.explanation}`,
        rest,
      );
    }
  }
}

function timeoutSentence(timeoutMs: number): string {
  const seconds = timeoutMs / 1000;
  return `timeout after ${seconds} s; its processes were ended. Ask for more with the field timeout`;
}

function signalHint(signal: NodeJS.Signals): string {
  return signal === "SIGKILL" ? "; often that is the kernel, out of memory" : "";
}

function exitSentence(code: number, hero: string): string {
  const hint = exitHints.get(code);
  return `${hero} ended with exit code ${code}${hint === undefined ? "" : ` (${hint})`}`;
}

/** hero's own exit codes, and the shell's two. docs/errors.md lists them under exit_status. */
const exitHints: ReadonlyMap<number, string> = new Map([
  [1, "an action or statement failed"],
  [2, "wrong usage of hero; check --invoke"],
  [3, "the script has a syntax error"],
  [4, "the script names an unknown actor or action"],
  [5, "an action has a bad parameter"],
  [6, "an action is not allowed here"],
  [126, "something it called is not executable"],
  [127, "something it called was not found"],
]);
