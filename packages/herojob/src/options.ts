/** Everything that can be set on herojob, one table per command. Help, environment names and completion come from here. */
import {
  completionCommand,
  type Config,
  defineCommand,
  defineProgram,
  type Problem,
} from "@herorunner/daemon";
import { jobReasons, jobStatuses } from "@herorunner/job";
import {
  connectionOptions,
  idFault,
  jsonOption,
  type NoWords,
  noWords,
  rawOption,
} from "./common-options.ts";
import {
  jobFilePositional,
  jobOptions,
  jobPositional,
  keyOption,
  runnerOption,
  signingOptions,
  waitOptions,
  waitProblems,
  wholeSeconds,
} from "./job-options.ts";
import { versionText } from "./version.ts";

const submit = defineCommand({
  summary: "Submit a script or a job file.",
  examples: [
    `herojob submit --runner web-1 --wait -e 'print("hello")'`,
    "herojob submit --runner web-1 --env TAG=v2 --timeout 600 --follow deploy.hero",
    "generate-script | herojob submit --runner web-1 --key alice.key --wait -",
    "herojob submit --wait signed-job.json",
  ],
  options: {
    ...runnerOption,
    ...jobOptions,
    id: {
      flag: "id",
      kind: "string",
      placeholder: "ID",
      group: "Job",
      check: idFault,
      description: "The job's id; with one, submitting is safe to repeat (default: a random one)",
    },
    caller: {
      flag: "caller",
      kind: "string",
      placeholder: "NAME",
      group: "Job",
      check: idFault,
      description: "Who asks; a signed job without it gets the name of the key",
    },
    context: {
      flag: "context",
      kind: "string",
      placeholder: "NAME",
      group: "Job",
      check: idFault,
      description: "In what context; a signed job without it gets `default`",
    },
    eval: {
      flag: "eval",
      short: "e",
      kind: "string",
      placeholder: "SCRIPT",
      group: "Job",
      description: "The script itself instead of a file",
    },
    ...{ ...signingOptions, ...waitOptions, ...jsonOption, ...rawOption, ...connectionOptions },
  },
  positionals: {
    file: {
      placeholder: "FILE",
      arity: "optional",
      description: "script file, a job file (NAME.json), or - for either on standard input",
    },
  },
  validate: (config) => {
    const given = [config.file, config.eval].filter((one) => one !== undefined).length;
    const what = given === 0 ? "no script was given" : "a file and -e were both given";
    const one = { where: "FILE", what, next: "Give a file, - for standard input, or -e SCRIPT." };
    const { timeoutMs, expiresInMs } = config;
    const whole = [...wholeSeconds(timeoutMs, "--timeout"), ...wholeSeconds(expiresInMs, "--expires-in")];
    return [...(given === 1 ? [] : [one]), ...whole, ...waitProblems(config)];
  },
});

const retry = defineCommand({
  summary: "Submit a stored job again, as a new job.",
  options: {
    asStored: {
      flag: "as-stored",
      kind: "boolean",
      group: "Signing",
      description: "Sign what is stored although no signature of this key vouches for it; read it first",
    },
    newId: {
      flag: "new-id",
      kind: "string",
      placeholder: "ID",
      group: "Job",
      check: idFault,
      description: "Id of the new job (default: a random one)",
    },
    ...{ ...runnerOption, ...jobOptions, ...signingOptions, ...waitOptions },
    ...{ ...jsonOption, ...rawOption, ...connectionOptions },
  },
  positionals: jobPositional,
  validate: (config) => [
    ...wholeSeconds(config.timeoutMs, "--timeout"),
    ...wholeSeconds(config.expiresInMs, "--expires-in"),
    ...waitProblems(config),
  ],
});

const oneJob = { ...runnerOption, ...jsonOption, ...connectionOptions };

const list = defineCommand({
  summary: "List jobs, newest first.",
  options: {
    ...runnerOption,
    status: {
      flag: "status",
      kind: "choice",
      choices: jobStatuses,
      group: "Filter",
      description: "Only these",
    },
    reason: {
      flag: "reason",
      kind: "choice",
      choices: jobReasons,
      placeholder: "REASON",
      group: "Filter",
      description: "Only jobs that ended for this reason, see docs/errors.md",
    },
    caller: {
      flag: "caller",
      kind: "string",
      placeholder: "NAME",
      group: "Filter",
      check: idFault,
      description: "Only jobs of this caller",
    },
    sinceMs: {
      flag: "since",
      kind: "seconds",
      placeholder: "SECONDS",
      group: "Filter",
      description: "Only jobs of this last while, as in 1h",
    },
    limit: {
      ...{
        flag: "limit",
        kind: "integer",
        placeholder: "N",
        default: 50,
        min: 1,
        max: 1000,
        group: "Filter",
      },
      description: "How many at most",
    },
    cursor: {
      flag: "cursor",
      kind: "string",
      placeholder: "CURSOR",
      group: "Filter",
      description: "Go on where a list before ended",
    },
    ...{ ...jsonOption, ...connectionOptions },
  },
  positionals: noWords,
});

function needs(value: string | undefined, flag: string, next: string): Problem[] {
  return value === undefined ? [{ where: flag, what: "is missing", next }] : [];
}

const keygen = defineCommand({
  summary: "Make a key pair for signing.",
  options: {
    name: {
      flag: "name",
      kind: "string",
      placeholder: "NAME",
      check: idFault,
      description: "Whose key it is; trust files use the same name",
    },
    out: {
      flag: "out",
      kind: "string",
      placeholder: "FILE",
      description: "Where to store the secret key, readable by its owner alone; never overwritten",
    },
    ...jsonOption,
  },
  positionals: noWords,
  validate: (config) => [
    ...needs(config.name, "--name", "Say whose key it is: --name alice."),
    ...needs(config.out, "--out", "Say where to store it: --out alice.key."),
  ],
});

const keyMissing = "Name your key file: --key FILE. herojob keygen makes one.";

const sign = defineCommand({
  summary: "Sign a job file and print it.",
  options: { ...signingOptions, ...runnerOption },
  positionals: jobFilePositional,
  validate: (config) => [
    ...needs(config.key, "--key", keyMissing),
    ...wholeSeconds(config.expiresInMs, "--expires-in"),
  ],
});

const cosign = defineCommand({
  summary: "Add a signature to a signed job file and print it.",
  options: keyOption,
  positionals: jobFilePositional,
  validate: (config) => needs(config.key, "--key", keyMissing),
});

const verify = defineCommand({
  summary: "Check fields, dates and signatures of a job file against a trust file, as a runner would.",
  options: {
    trust: { flag: "trust", kind: "string", placeholder: "FILE", description: "Who may sign (JSON)" },
    now: {
      flag: "now",
      kind: "integer",
      placeholder: "UNIX_SECONDS",
      description: "Judge at this time (default: now)",
    },
    audience: {
      ...signingOptions.audience,
      description: "The audience that the job must name (default: the trust file's)",
    },
    acceptV1: {
      flag: "accept-v1",
      kind: "boolean",
      description: "Also accept signatures of the ambiguous version 1, which know no expiry",
    },
    ...{ ...runnerOption, ...jsonOption },
  },
  positionals: jobFilePositional,
  validate: (config) => needs(config.trust, "--trust", "Name the trust file: --trust FILE."),
});

const receipt = defineCommand({
  summary: "Print a job's receipt, or check one.",
  options: {
    publicKey: {
      flag: "public-key",
      kind: "list",
      placeholder: "HEX",
      description: "The receipt must be of this key; repeat the flag for more",
    },
    job: {
      flag: "job",
      kind: "string",
      placeholder: "JOB.json",
      description: "The receipt must be for this very job",
    },
    ...oneJob,
  },
  positionals: {
    action: {
      placeholder: "get|verify",
      description: "what to do",
      arity: "one",
      check: (word) => (["get", "verify"].includes(word) ? undefined : "is neither get nor verify"),
    },
    target: {
      placeholder: "ID|FILE",
      arity: "one",
      description: "job id; verify also takes a file with a receipt, or - for standard input",
    },
  },
});

const logs = { follow: { ...waitOptions.follow, description: "Go on until the job has ended" } } as const;
const timeout = {
  timeoutMs: {
    ...waitOptions.waitTimeoutMs,
    flag: "timeout",
    description:
      "End the wait, not the job, after this time, with exit code 124; `herojob submit` and `retry` take the same variable as the time the job may run",
  },
} as const;

export const program = defineProgram({
  name: "herojob",
  version: versionText,
  summary: "Submits jobs to runners and looks after them.",
  envPrefix: "HEROJOB_",
  examples: [
    `herojob submit --runner web-1 --wait -e 'print("hello")'    run a script, print its result`,
    "herojob submit --runner web-1 --follow deploy.hero          the same for a file, output as it comes",
    "herojob explain 42 --runner web-1                           why did it end like that, and what now",
    "herojob keygen --name alice --out alice.key                 then: herojob submit --key alice.key …",
  ],
  commands: {
    submit,
    status: defineCommand({
      summary: "Print the status of a job.",
      options: oneJob,
      positionals: jobPositional,
    }),
    result: defineCommand({
      summary: "Print what a finished job wrote.",
      options: { ...oneJob, ...rawOption },
      positionals: jobPositional,
    }),
    logs: defineCommand({
      summary: "Print a job's live output.",
      options: { ...logs, ...oneJob, ...rawOption },
      positionals: jobPositional,
    }),
    wait: defineCommand({
      summary: "Wait for a job and print its result.",
      options: { ...timeout, ...oneJob, ...rawOption },
      positionals: jobPositional,
    }),
    cancel: defineCommand({ summary: "Cancel a job.", options: oneJob, positionals: jobPositional }),
    list,
    explain: defineCommand({
      summary: "Say why a job is where it is, and what to do about it.",
      options: oneJob,
      positionals: jobPositional,
    }),
    ...{ retry, keygen, sign, cosign, verify, receipt, completion: completionCommand },
  },
});

export type OneJobConfig = Config<typeof oneJob, typeof jobPositional>;
export type SubmitConfig = Parameters<NonNullable<typeof submit.validate>>[0];
export type RetryConfig = Parameters<NonNullable<typeof retry.validate>>[0];
export type ListConfig = Config<(typeof list)["options"], NoWords>;
export type VerifyConfig = Parameters<NonNullable<typeof verify.validate>>[0];
export type ReceiptConfig = Config<(typeof receipt)["options"], (typeof receipt)["positionals"]>;
