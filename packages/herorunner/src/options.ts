/** Everything that can be set on a herorunner, in one table per command. The help and docs/configuration.md come from here. */
import {
  completionCommand,
  defineCommand,
  defineOptions,
  defineProgram,
  logOptions,
  type Problem,
  redisOptions,
  tracingOptions,
} from "@herorunner/daemon";
import { idPattern, parseRedisUrl, timeoutSecondsRange } from "@herorunner/job";
import { signatureCheckWishes, signatureModes } from "@herorunner/job/trust";
import { environmentOptions, jobOptions } from "./job-options.ts";
import { versionText } from "./version.ts";

const week = timeoutSecondsRange.high;

function idFault(text: string): string | undefined {
  // The id names a folder of the runner's state.
  if (text === "." || text === "..") return "must be more than dots";
  return idPattern.test(text) ? undefined : `must match ${idPattern.source}`;
}

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

const signatureCheckOptions = defineOptions({
  signatureCheck: {
    flag: "signature-check",
    kind: "choice",
    choices: signatureCheckWishes,
    default: "auto",
    group: "Trust",
    description:
      "What checks signatures: the system's libsecp256k1 (auto, where it is installed), the same library as WebAssembly (wasm, and auto elsewhere), or OpenSSL (openssl, and where neither works)",
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
  launcher: {
    flag: "launcher",
    kind: "choice",
    choices: ["auto", "python", "plain"],
    default: "auto",
    group: "Process",
    description:
      "How processes are started: by small spawn servers, compiled (auto, where they were built) or in Python 3.8 (python, and auto elsewhere), or plain, by the runner itself",
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
  supervisor: {
    flag: "supervisor",
    kind: "string",
    placeholder: "URL",
    check: (text) => (/^https?:\/\/[^\s]+$/.test(text) ? undefined : "must start with http:// or https://"),
    group: "Process",
    description: "Register with the supervisor there",
  },
  supervisorKeyFile: {
    flag: "supervisor-key-file",
    kind: "string",
    placeholder: "FILE",
    group: "Process",
    description: "File with the supervisor's admin secret, or an API key of scope admin",
  },
});

const runOptions = defineOptions({
  ...redisOptions({ group: "Redis", parseUrl: parseRedisUrl }),
  ...jobOptions,
  ...environmentOptions,
  ...trustOptions,
  ...signatureCheckOptions,
  ...receiptOptions,
  ...processOptions,
  ...tracingOptions,
  ...logOptions,
});

const runCommand = defineCommand({
  summary: "Take jobs from the queue of a runner id and run them.",
  options: runOptions,
  positionals: {
    runnerId: {
      placeholder: "runner_id",
      description: "id of the runner whose queue is served",
      arity: "one",
      check: idFault,
    },
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
    if (config.prewarm > 0 && config.invoke !== "stdin") {
      problems.push({
        where: "--prewarm",
        what: `is ${config.prewarm}, but --invoke is ${config.invoke}, which gives the script when hero is started`,
        next: "Leave out one of them.",
      });
    }
    if (config.prewarm > 0 && config.launcher === "plain") {
      problems.push({
        where: "--prewarm",
        what: `is ${config.prewarm}, but --launcher is plain, which cannot let processes wait`,
        next: "Leave out one of them.",
      });
    }
    return problems;
  },
});

const nonNegativeInteger = (text: string): string | undefined =>
  /^\d{1,12}$/.test(text) ? undefined : "must be unix seconds";

const verifyJobCommand = defineCommand({
  summary: "Check a job file as a runner would, and say what each check found.",
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
    envAllow: environmentOptions.envAllow,
    json: { flag: "json", kind: "boolean", description: "Answer with one JSON object" },
  },
  positionals: {
    jobFile: { placeholder: "JOB.json", description: "job file, with its signatures", arity: "one" },
  },
  validate: (config): readonly Problem[] =>
    config.trust === undefined
      ? [{ where: "--trust", what: "is missing", next: "Name the trust file with --trust FILE." }]
      : [],
});

const doctorCommand = defineCommand({
  summary: "Look at everything that a runner with the same options needs, and say how to mend what is wrong.",
  options: {
    ...runOptions,
    json: { flag: "json", kind: "boolean", description: "Answer with one JSON object" },
  },
  positionals: {
    runnerId: {
      placeholder: "runner_id",
      description: "id of the runner whose keys are tried (default: one that nobody uses)",
      arity: "optional",
      check: idFault,
    },
  },
});

export const program = defineProgram({
  name: "herorunner",
  version: versionText,
  summary: "Takes heroscript jobs from Redis and runs them with hero.",
  envPrefix: "HERORUNNER_",
  main: "run",
  commands: {
    run: runCommand,
    verify: verifyJobCommand,
    doctor: doctorCommand,
    completion: completionCommand,
  },
});

/** The configuration of a running herorunner. */
export type RunConfig = Parameters<NonNullable<typeof runCommand.validate>>[0];
