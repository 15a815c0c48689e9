/** Why a job is where it is, what that means, who can do something, and the one command that does it. Pure. */
import { type JobView, type KillReport, reasonGuide, type RunnerState } from "@herorunner/job";
import { errorSentence } from "./ending.ts";
import { isoTime, shortDuration } from "./text.ts";

export interface Explanation {
  /** One sentence: the job and its state. */
  readonly headline: string;
  /** What the runner said about this very job. */
  readonly said?: string;
  readonly meaning: string;
  readonly actor?: string;
  readonly next?: string;
  readonly command?: string;
  /** Further facts, each with its name. */
  readonly facts: readonly (readonly [string, string])[];
}

export interface Circumstances {
  /** How its runner is served, where that is known. */
  readonly runner: RunnerState | undefined;
  /** A signature is good for one job: what repeats this one signs anew. */
  readonly isSigned: boolean;
}

/** `words`: how a suggested command reaches the same store. */
export function explainJob(job: JobView, { runner, isSigned }: Circumstances, words: string): Explanation {
  const told = storyOf(job, runner, words);
  const command = told.command?.replace(
    /^herojob retry \S+ --runner \S+(?!\S)(?! --key)/,
    "$& --key KEY_FILE",
  );
  return isSigned && command !== undefined ? { ...told, command } : told;
}

function storyOf(job: JobView, runner: RunnerState | undefined, words: string): Explanation {
  const facts = factsOf(job);
  switch (job.status) {
    case "error":
      return { ...failure(job, words), facts };
    case "finished":
      return {
        headline: `job ${job.id} of runner ${job.runner} is finished`,
        meaning: "Its process ended with exit code 0.",
        command: `herojob result ${job.id} --runner ${job.runner}${words}`,
        facts,
      };
    case "created":
      return {
        headline: `job ${job.id} of runner ${job.runner} is stored and not queued`,
        meaning: "It waits for somebody to start it; no runner sees it before.",
        actor: "submitter",
        next: "Start it with job.start of the supervisor, or submit the same as a job of its own.",
        command: `herojob retry ${job.id} --runner ${job.runner}${words}`,
        facts,
      };
    case "queued":
      return {
        headline: `job ${job.id} waits in the queue of runner ${job.runner}`,
        ...waiting(job, runner, words),
        facts,
      };
    case "dispatched":
    case "started":
      return { ...(runner?.alive === false ? orphaned(job, words) : taken(job, words)), facts };
  }
}

function taken(job: JobView, words: string): Omit<Explanation, "facts"> {
  const started = job.status === "started";
  return {
    headline: `job ${job.id} of runner ${job.runner} is ${started ? "running" : "taken and not started yet"}`,
    meaning: started ? "Its process runs." : "A runner checks it, or is about to start it.",
    command: `herojob logs -f ${job.id} --runner ${job.runner}${words}`,
  };
}

/** Only another process of the same runner id can give the job an end, and there is none. */
function orphaned(job: JobView, words: string): Omit<Explanation, "facts"> {
  const started = job.status === "started";
  return {
    headline: `job ${job.id} of runner ${job.runner} was ${started ? "running" : "taken and not started"} when its runner went away`,
    meaning: `No process serves runner ${job.runner} at the moment: the one that had the job is gone, or cut off from Redis.`,
    actor: "operator of the runner",
    next: started
      ? "Start one: it ends the job as runner_lost, or starts it again where it asked for more attempts."
      : "Start one: it puts the job back into the queue and takes it.",
    command: startRunner(job, words),
  };
}

function failure(job: JobView, words: string): Omit<Explanation, "facts"> {
  const headline = `job ${job.id} of runner ${job.runner} ended as error`;
  if (job.reason === undefined) {
    return { headline, said: errorSentence(job), meaning: "Its record names no reason that is known here." };
  }
  const { meaning, actor, next, command } = reasonGuide[job.reason];
  return {
    headline: `${headline}: ${job.reason}`,
    said: errorSentence(job),
    meaning,
    actor,
    next,
    command: filledIn(command, job, words),
  };
}

/** ID and RUNNER are the job's; a timeout is doubled; only commands of ours need to know the store. */
function filledIn(template: string, job: JobView, words: string): string {
  const text = template
    .replaceAll(/\bID\b/g, job.id)
    .replaceAll(/\bRUNNER\b/g, job.runner)
    .replaceAll(/\bSECONDS\b/g, String(Math.min(job.timeoutSeconds * 2, 604_800)));
  return text.startsWith("herojob ") ? `${text}${words}` : text;
}

function waiting(
  job: JobView,
  runner: RunnerState | undefined,
  words: string,
): Pick<Explanation, "meaning" | "actor" | "next" | "command"> {
  const watch = `herojob wait ${job.id} --runner ${job.runner}${words}`;
  if (runner === undefined) return { meaning: "A runner takes it when its turn comes.", command: watch };
  const { alive, paused, queued, running } = runner;
  if (!alive) {
    return {
      meaning: `No process serves runner ${job.runner} at the moment.`,
      actor: "operator of the runner",
      next: "Start one, on the host where the job should run.",
      command: startRunner(job, words),
    };
  }
  if (paused) {
    return {
      meaning: `Runner ${job.runner} is paused: it ends what it has and takes nothing.`,
      actor: "operator of the runner",
      next: "Have it resumed, with runner.resume of the supervisor.",
      command: watch,
    };
  }
  return {
    meaning: `A runner takes it when its turn comes; ${queued} wait there and ${running} run.`,
    command: watch,
  };
}

/** A runner serves a queue in Redis, so what leads to a supervisor is left out. */
function startRunner(job: JobView, words: string): string {
  return `herorunner ${job.runner}${words.includes(" --supervisor ") ? "" : words}`;
}

function factsOf(job: JobView): (readonly [string, string])[] {
  const facts: (readonly [string, string])[] = [];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== "") facts.push([name, String(value)]);
  };
  add("queued", job.queuedAtMs === undefined ? undefined : isoTime(job.queuedAtMs));
  add("waited", between(job.queuedAtMs, job.startedAtMs));
  add("started", job.startedAtMs === undefined ? undefined : isoTime(job.startedAtMs));
  add("ended", job.finishedAtMs === undefined ? undefined : isoTime(job.finishedAtMs));
  add("ran", job.durationMs === undefined ? undefined : shortDuration(job.durationMs));
  add("timeout", `${job.timeoutSeconds} s`);
  add("attempt", job.attempt === 0 ? "never started" : `${job.attempt} of at most ${job.maxAttempts}`);
  add("exit code", job.exitCode);
  add("signal", job.signal);
  add("output", outputOf(job));
  add("caller", job.callerId);
  add("context", job.contextId);
  add("signed by", job.signers?.join(", "));
  add("variables", job.envNames.join(", "));
  add("isolation", job.isolation);
  add("owner", job.owner);
  return job.kill === undefined ? facts : [...facts, ...killFacts(job.kill)];
}

function outputOf({ stdoutBytes, stderrBytes, droppedBytes }: JobView): string | undefined {
  if (stdoutBytes === undefined) return undefined;
  const dropped = (droppedBytes ?? 0) > 0 ? `, ${droppedBytes} of them not kept` : "";
  return `${stdoutBytes} bytes, and ${stderrBytes ?? 0} on standard error${dropped}`;
}

function between(from: number | undefined, to: number | undefined): string | undefined {
  return from === undefined || to === undefined ? undefined : shortDuration(Math.max(0, to - from));
}

function killFacts(kill: KillReport): (readonly [string, string])[] {
  const steps = [
    ["SIGTERM", kill.termAtMs],
    ["SIGKILL", kill.killAtMs],
    ["all gone", kill.goneAtMs],
  ] as const;
  const told = steps.flatMap(([name, at]) =>
    at === undefined ? [] : [`${name} after ${shortDuration(Math.max(0, at - kill.askedAtMs))}`],
  );
  const found = kill.found.map(({ name, pid, via }) => `${name} (pid ${pid}, found by ${via})`);
  return [
    ["ended because of", `${kill.reason}, asked ${isoTime(kill.askedAtMs)}`],
    ["how it was ended", told.length === 0 ? "no signal was needed" : told.join(", ")],
    ...(found.length === 0 ? [] : [["processes found", found.join(", ")] as const]),
    ["still alive", kill.survivors.length === 0 ? "none" : `pids ${kill.survivors.join(", ")}`],
  ];
}
