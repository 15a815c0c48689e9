/** Options that describe a job: what it is, who signs it, how its end is awaited. */
import { type Config, defineOptions, type Problem } from "@herorunner/daemon";
import { timeoutSecondsRange } from "@herorunner/job";
import { idFault, type jsonOption, type NoWords } from "./common-options.ts";

export const runnerOption = defineOptions({
  runner: {
    flag: "runner",
    kind: "string",
    placeholder: "RUNNER",
    group: "Job",
    check: idFault,
    description: "The runner id that the job is for",
  },
});

export const keyOption = defineOptions({
  key: {
    flag: "key",
    kind: "string",
    placeholder: "FILE",
    group: "Signing",
    description: "Sign the job with this key file",
  },
});

export const signingOptions = defineOptions({
  ...keyOption,
  audience: {
    flag: "audience",
    kind: "string",
    placeholder: "NAME",
    group: "Signing",
    check: idFault,
    description: "Whom the signature is for, as the runner's trust file names it (default: default)",
  },
  expiresInMs: {
    flag: "expires-in",
    kind: "seconds",
    placeholder: "SECONDS",
    group: "Signing",
    min: 1,
    max: timeoutSecondsRange.high,
    description: "How long the signature is good for a start (default: 3600)",
  },
});

export const jobOptions = defineOptions({
  timeoutMs: {
    flag: "timeout",
    kind: "seconds",
    placeholder: "SECONDS",
    group: "Job",
    min: timeoutSecondsRange.low,
    max: timeoutSecondsRange.high,
    description:
      "End the job, not the wait, when it runs longer (default: the runner's choice, usually 60); `herojob wait` takes the same variable as the time to wait",
  },
  env: {
    flag: "env",
    kind: "list",
    placeholder: "K=V",
    group: "Job",
    verbatim: true,
    check: (item) => (/^[A-Za-z_][A-Za-z0-9_]*=/.test(item) ? undefined : "is not NAME=VALUE"),
    description: "A variable of the job, as NAME=VALUE; repeat the flag for more",
  },
  maxAttempts: {
    flag: "max-attempts",
    kind: "integer",
    placeholder: "N",
    min: 1,
    max: 10,
    group: "Job",
    description: "How often the job may be started when its runner dies (default: 1)",
  },
});

export const waitOptions = defineOptions({
  wait: {
    flag: "wait",
    short: "w",
    kind: "boolean",
    group: "Waiting",
    description: "Wait for the end and print the result; the exit code is then the job's",
  },
  follow: {
    flag: "follow",
    short: "f",
    kind: "boolean",
    group: "Waiting",
    description: "Wait, and show the output while the job runs",
  },
  waitTimeoutMs: {
    flag: "wait-timeout",
    kind: "seconds",
    placeholder: "SECONDS",
    group: "Waiting",
    description: "End the wait after this time, with exit code 124; the job goes on",
  },
});

export const jobPositional = {
  id: { placeholder: "ID", description: "id of the job", arity: "one", check: idFault },
} as const;
export const jobFilePositional = {
  file: { placeholder: "JOB.json", description: "job file, or - for standard input", arity: "one" },
} as const;

export function wholeSeconds(ms: number | undefined, flag: string): Problem[] {
  if (ms === undefined || ms % 1000 === 0) return [];
  return [{ where: flag, what: `is ${ms} ms`, next: "Give whole seconds." }];
}

export function waitProblems(config: Config<typeof waitOptions & typeof jsonOption, NoWords>): Problem[] {
  const problems: Problem[] = [];
  if (config.follow && config.json) {
    const next = "Use --wait --json, or herojob logs -f --json.";
    problems.push({ where: "--follow", what: "shows output as it comes, which is not one JSON value", next });
  }
  if (config.waitTimeoutMs !== undefined && !config.wait && !config.follow) {
    problems.push({ where: "--wait-timeout", what: "ends no wait", next: "Add --wait or --follow." });
  }
  return problems;
}

export type SigningConfig = Config<typeof signingOptions, NoWords>;
/** `id` is an option of `submit` alone. */
export type JobConfig = Config<typeof jobOptions & typeof runnerOption, NoWords> & {
  readonly id?: string | undefined;
};
