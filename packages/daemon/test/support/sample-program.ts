/** A program with every kind of option, three commands, and a rule across options. */
import { defineCommand, defineOptions, defineProgram, load, logOptions } from "../../src/index.ts";

const redisOptions = defineOptions({
  redisUrl: {
    flag: "redis-url",
    short: "r",
    kind: "string",
    placeholder: "URL",
    description: "Redis to take jobs from",
    default: "redis://localhost:6379",
    secret: "url",
    fileVariant: true,
    group: "Redis",
    check: (url) => (/^rediss?:/.test(url) ? undefined : "must start with redis://"),
  },
});

const serve = defineCommand({
  summary: "takes jobs and runs them",
  positionals: { runnerId: { placeholder: "runner_id", description: "id of this runner", arity: "one" } },
  options: {
    ...redisOptions,
    concurrency: {
      flag: "concurrency",
      short: "c",
      kind: "integer",
      default: 1,
      min: 1,
      max: 64,
      description: "Jobs at once",
    },
    invoke: {
      flag: "invoke",
      kind: "choice",
      choices: ["stdin", "script", "file"],
      default: "stdin",
      description: "How the command is called",
    },
    graceMs: { flag: "grace", kind: "seconds", default: 5, max: 3600, description: "Time to end" },
    maxOutputBytes: { flag: "max-output", kind: "bytes", default: "1G", description: "Most output of a job" },
    envPass: { flag: "env-pass", kind: "list", placeholder: "NAME", description: "Variables passed on" },
    trust: { flag: "trust", kind: "string", placeholder: "FILE", description: "Who may sign" },
    listen: { flag: "listen", kind: "address", description: "Health and metrics" },
    burst: { flag: "burst", short: "b", kind: "boolean", description: "End when the queue is empty" },
    secret: {
      flag: "admin-secret",
      kind: "string",
      secret: true,
      fileVariant: true,
      description: "The secret",
    },
    ...logOptions,
  },
  validate: ({ burst, listen }) =>
    burst && listen !== undefined
      ? [
          {
            where: "--burst",
            what: "ends before anybody could look at --listen",
            next: "Leave one of them out.",
          },
        ]
      : [],
});

const verify = defineCommand({
  summary: "checks the signatures of job files",
  positionals: { files: { placeholder: "JOB.json", description: "job file", arity: "some" } },
  options: { json: { flag: "json", kind: "boolean", description: "Answer as JSON" } },
});

const doctor = defineCommand({ summary: "checks this host", positionals: {}, options: redisOptions });

export const sample = defineProgram({
  name: "sample",
  version: "1.2.3",
  summary: "takes jobs and runs them",
  envPrefix: "SAMPLE_",
  main: "serve",
  commands: { serve, verify, doctor },
});

interface Surroundings {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

/** Loads the sample program from a command line, an environment and files in memory. */
export function loadSample(argv: readonly string[], { env = {}, files = {} }: Surroundings = {}) {
  const readFile = (path: string) => {
    const text = new Map(Object.entries(files)).get(path);
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return text;
  };
  return load({ program: sample, argv, env, readFile });
}

/** The configuration of the main command; fails with the problems when there are any. */
export async function serveConfig(argv: readonly string[], surroundings: Surroundings = {}) {
  const loaded = await loadSample(argv, surroundings);
  if (loaded.kind === "command" && loaded.command === "serve") return loaded;
  throw new Error(loaded.kind === "command" ? `command ${loaded.command}` : loaded.text);
}

/** The problems of a command line that cannot be accepted. */
export async function problemsOf(argv: readonly string[], surroundings: Surroundings = {}) {
  const loaded = await loadSample(argv, surroundings);
  if (loaded.kind === "problems") return loaded;
  throw new Error(`expected problems, got ${loaded.kind}`);
}
