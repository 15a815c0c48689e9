/** The options that shape a job: how many, how they are called, how long, how large, in which environment. */
import { defineOptions } from "@herorunner/daemon";
import { timeoutSecondsRange } from "@herorunner/job";

/** How the payload is handed to the binary. */
export const invocations = ["stdin", "script", "heroscript", "file"] as const;
export type Invocation = (typeof invocations)[number];

const week = timeoutSecondsRange.high;

export const jobOptions = defineOptions({
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
  prewarm: {
    flag: "prewarm",
    kind: "integer",
    placeholder: "N",
    default: 0,
    min: 0,
    max: 1024,
    group: "Jobs",
    description:
      "How many hero processes wait ahead of jobs that bring no variables; needs --invoke stdin, spawn servers and our own hero",
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

export const environmentOptions = defineOptions({
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
