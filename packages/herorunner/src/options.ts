/** Everything that can be set on a herorunner, in one table per command. The help and docs/configuration.md come from here. */
import { defineCommand, defineOptions, defineProgram, logOptions, type Problem } from "@herorunner/daemon";
import { idPattern, parseRedisUrl, timeoutSecondsRange } from "@herorunner/job";
import { signatureModes } from "@herorunner/job/trust";
import { version } from "./version.ts";

/** How the payload is handed to the binary. */
export const invocations = ["stdin", "script", "heroscript", "file"] as const;
export type Invocation = (typeof invocations)[number];

const week = timeoutSecondsRange.high;

function redisUrlFault(url: string): string | undefined {
  try {
    parseRedisUrl(url);
    return undefined;
  } catch (error) {
    return error instanceof Error ? `is not usable: ${error.message}` : "is not usable";
  }
}

function idFault(text: string): string | undefined {
  return idPattern.test(text) ? undefined : `must match ${idPattern.source}`;
}

export const redisOptions = defineOptions({
  redisUrl: {
    flag: "redis-url",
    short: "r",
    kind: "string",
    placeholder: "URL",
    default: "redis://localhost:6379",
    secret: "url",
    fileVariant: true,
    check: redisUrlFault,
    group: "Redis",
    description:
      "Where the queue is: redis://, rediss://, unix:///path.sock, redis+sentinel://host:port/master or redis+cluster://host:port,host:port",
  },
  redisCa: {
    flag: "redis-ca",
    kind: "string",
    placeholder: "FILE",
    group: "Redis",
    description: "PEM file of the authority that signed the server's certificate, for rediss://",
  },
  keyPrefix: {
    flag: "key-prefix",
    kind: "string",
    placeholder: "PREFIX",
    default: "hero:",
    check: (text) => (/^[A-Za-z0-9._:-]{1,64}$/.test(text) ? undefined : "must match [A-Za-z0-9._:-]{1,64}"),
    group: "Redis",
    description: "Beginning of every key, its colon included",
  },
});

const jobOptions = defineOptions({
  concurrency: {
    flag: "concurrency",
    short: "c",
    kind: "integer",
    placeholder: "N",
    default: 1,
    min: 1,
    max: 1024,
    group: "Jobs",
    description: "How many jobs run at once",
  },
  hero: {
    flag: "hero",
    kind: "string",
    placeholder: "PATH",
    default: "hero",
    group: "Jobs",
    description: "The binary that runs heroscripts: a name to look for on PATH, or a path",
  },
  invoke: {
    flag: "invoke",
    kind: "choice",
    choices: invocations,
    default: "stdin",
    group: "Jobs",
    description:
      "How it gets the script: stdin (`run -s`, script on standard input), script (`run -s SCRIPT`), heroscript (`run -h SCRIPT`) or file (`run -p FILE`, a private temporary file)",
  },
  defaultTimeoutMs: {
    flag: "default-timeout",
    kind: "seconds",
    placeholder: "SECONDS",
    default: 60,
    min: 1,
    max: week,
    group: "Jobs",
    description: "Timeout of jobs that name none",
  },
  maxTimeoutMs: {
    flag: "max-timeout",
    kind: "seconds",
    placeholder: "SECONDS",
    default: week,
    min: 1,
    max: week,
    group: "Jobs",
    description: "Longest timeout that a job may ask for",
  },
  graceMs: {
    flag: "grace",
    kind: "seconds",
    placeholder: "SECONDS",
    default: 5,
    min: 0,
    max: 3600,
    group: "Jobs",
    description: "Time between SIGTERM and SIGKILL when a job must end",
  },
  maxPayloadBytes: {
    flag: "max-payload",
    kind: "bytes",
    placeholder: "BYTES",
    default: "16M",
    min: 1,
    max: 256 * 1024 * 1024,
    group: "Jobs",
    description: "Largest payload that is accepted",
  },
  maxOutputBytes: {
    flag: "max-output",
    kind: "bytes",
    placeholder: "BYTES",
    default: "1G",
    min: 1,
    group: "Jobs",
    description: "A job that writes more than this is ended as output_limit",
  },
  resultTtlMs: {
    flag: "result-ttl",
    kind: "seconds",
    placeholder: "SECONDS",
    default: 86_400,
    min: 0,
    group: "Jobs",
    description: "How long finished jobs are kept in Redis, 0 for ever",
  },
  burst: {
    flag: "burst",
    kind: "boolean",
    group: "Jobs",
    description: "End when the queue is empty and every job has ended",
  },
});

const environmentOptions = defineOptions({
  path: {
    flag: "path",
    kind: "string",
    placeholder: "PATH",
    group: "Environment of a job",
    description: "PATH of every job (default: the runner's own at its start)",
  },
  envPass: {
    flag: "env-pass",
    kind: "list",
    placeholder: "NAME",
    group: "Environment of a job",
    description: "Variables of the runner's own environment that every job gets",
  },
  envAllow: {
    flag: "env-allow",
    kind: "list",
    placeholder: "NAME",
    group: "Environment of a job",
    description:
      "Names that jobs may set although they are refused by default; LD_* names need `NAME:unsafe`",
  },
});

const trustOptions = defineOptions({
  trust: {
    flag: "trust",
    kind: "string",
    placeholder: "FILE",
    group: "Trust",
    description: "Who may sign jobs (JSON); read again on SIGHUP",
  },
  signatures: {
    flag: "signatures",
    kind: "choice",
    choices: signatureModes,
    group: "Trust",
    description: "What is asked of a job's signatures (default: required with a trust file, off without)",
  },
  audience: {
    flag: "audience",
    kind: "string",
    placeholder: "NAME",
    check: idFault,
    group: "Trust",
    description: "The audience that signed jobs must name (default: the trust file's)",
  },
  acceptV1: {
    flag: "accept-v1",
    kind: "boolean",
    group: "Trust",
    description: "Also accept signatures of the ambiguous version 1, which know no expiry",
  },
});

const receiptOptions = defineOptions({
  receiptKey: {
    flag: "receipt-key",
    kind: "string",
    placeholder: "FILE",
    group: "Trust",
    description: "Key file (herojob keygen) with which every outcome is signed",
  },
});

const processOptions = defineOptions({
  drainTimeoutMs: {
    flag: "drain-timeout",
    kind: "seconds",
    placeholder: "SECONDS",
    default: 30,
    min: 0,
    max: week,
    group: "Process",
    description: "How long running jobs may go on after the first SIGTERM",
  },
  isolation: {
    flag: "isolation",
    kind: "choice",
    choices: ["auto", "group", "pidns", "cgroup"],
    default: "auto",
    group: "Process",
    description: "How the processes of a job are fenced in; see docs/operations.md",
  },
  stateDir: {
    flag: "state-dir",
    kind: "string",
    placeholder: "FOLDER",
    group: "Process",
    description:
      "Where the runner keeps what must survive it (default: /var/lib/herorunner for root, else ~/.local/state/herorunner)",
  },
  hostId: {
    flag: "host-id",
    kind: "string",
    placeholder: "NAME",
    check: idFault,
    group: "Process",
    description: "Name of this host in owner ids (default: the machine id)",
  },
  listen: {
    flag: "listen",
    kind: "address",
    group: "Process",
    description: "Serve /healthz, /readyz and /metrics there (default: nowhere)",
  },
});

export const runCommand = defineCommand({
  summary: "Take jobs from the queue of a runner id and run them.",
  options: {
    ...redisOptions,
    ...jobOptions,
    ...environmentOptions,
    ...trustOptions,
    ...receiptOptions,
    ...processOptions,
    ...logOptions,
  },
  positionals: {
    runnerId: { placeholder: "runner_id", description: "Whose queue to serve", arity: "one", check: idFault },
  },
  validate: (config): readonly Problem[] => {
    const problems: Problem[] = [];
    if (config.defaultTimeoutMs > config.maxTimeoutMs) {
      problems.push({
        where: "--default-timeout",
        what: `is ${config.defaultTimeoutMs / 1000} s, more than --max-timeout, ${config.maxTimeoutMs / 1000} s`,
        next: "Raise --max-timeout or lower --default-timeout.",
      });
    }
    if (config.trust === undefined && (config.signatures === "required" || config.signatures === "warn")) {
      problems.push({
        where: "--signatures",
        what: `is ${config.signatures}, but no trust file says whose signatures count`,
        next: "Name one with --trust FILE.",
      });
    }
    return problems;
  },
});

const nonNegativeInteger = (text: string): string | undefined =>
  /^\d{1,12}$/.test(text) ? undefined : "must be unix seconds";

export const verifyJobCommand = defineCommand({
  summary: "Check the signatures of a job file as a runner would, and say what each check found.",
  options: {
    trust: {
      flag: "trust",
      kind: "string",
      placeholder: "FILE",
      description: "Who may sign jobs (JSON)",
    },
    now: {
      flag: "now",
      kind: "string",
      placeholder: "UNIX_SECONDS",
      check: nonNegativeInteger,
      description: "Judge at this time (default: now)",
    },
    runner: {
      flag: "runner",
      kind: "string",
      placeholder: "ID",
      check: idFault,
      description: "The runner that would run it (default: the one the job names)",
    },
    audience: trustOptions.audience,
    acceptV1: trustOptions.acceptV1,
    json: { flag: "json", kind: "boolean", description: "Answer with one JSON object" },
  },
  positionals: {
    jobFile: { placeholder: "JOB.json", description: "The job with its signatures", arity: "one" },
  },
  validate: (config): readonly Problem[] =>
    config.trust === undefined
      ? [{ where: "--trust", what: "is missing", next: "Name the trust file with --trust FILE." }]
      : [],
});

export const program = defineProgram({
  name: "herorunner",
  version,
  summary: "Takes heroscript jobs from Redis and runs them with hero.",
  envPrefix: "HERORUNNER_",
  main: "run",
  commands: { run: runCommand, verify: verifyJobCommand },
});

/** The configuration of a running herorunner. */
export type RunConfig = Parameters<NonNullable<typeof runCommand.validate>>[0];
