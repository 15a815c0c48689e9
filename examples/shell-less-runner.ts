/**
 * A runner of your own that starts programs: a job is one command, its words are arguments, no shell sees them.
 * Described in docs/own-runner.md.
 *
 *   npx tsx --conditions=@herorunner/source examples/shell-less-runner.ts words-1
 *   herojob submit --runner words-1 --wait -e 'echo hello'
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import {
  type ErrorOutcome,
  failed,
  type JobOutcome,
  parseRedisUrl,
  RedisJobQueue,
  RedisPresence,
  type VerifiedJob,
} from "@herorunner/job";
import {
  baseEnvironment,
  createAdmit,
  createChildExecutor,
  defineRunner,
  type Execution,
  jobEnvironment,
  stoppedOutcome,
} from "@herorunner/runner";

/** What jobs may start, and nothing else. */
const programs = new Map([
  ["echo", "/bin/echo"],
  ["date", "/bin/date"],
  ["sleep", "/bin/sleep"],
]);
const environment = { base: baseEnvironment(process.env), allow: new Set<string>() };
const executor = createChildExecutor();

const runner = defineRunner({
  runnerType: "words",
  runnerId: process.argv[2] ?? "words-1",
  processJob: async (job, { signal, log }) => {
    const env = jobEnvironment(environment, job);
    if (!env.ok) return failed(env.reason, env.message);
    const [program = "", ...args] = wordsOf(job.payload);
    const command = {
      file: programs.get(program) ?? program,
      args,
      stdin: "",
      env: env.env,
      cwd: "/",
      timeoutMs: job.timeoutMs,
      killGraceMs: 5_000,
      maxOutputBytes: 16 * 1024 * 1024,
      secrets: env.secrets,
    };
    const execution = await executor.run(command, signal, log);
    return outcomeOf(execution, signal);
  },
});

/** Words are parted by white space; quotes of either kind hold some together. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
}

/** A condition of this kind of runner: asked at admission, before the job counts as started. */
function mayStart(job: VerifiedJob): ErrorOutcome | undefined {
  const [program = ""] = wordsOf(job.payload);
  if (programs.has(program)) return undefined;
  return failed("malformed", `this runner starts ${[...programs.keys()].join(", ")}, not "${program}"`);
}

/** Every way a process can end, as a reason of the protocol and a sentence to act on. */
function outcomeOf({ ending, output, facts }: Execution, signal: AbortSignal): JobOutcome {
  const rest = { output, facts };
  switch (ending.kind) {
    case "exited":
      if (ending.code === 0) return { kind: "finished", ...rest };
      return failed("exit_status", `it ended with exit code ${ending.code}`, {
        ...rest,
        exitCode: ending.code,
      });
    case "signalled":
      return failed("killed_by_signal", `somebody sent it ${ending.signal}`, {
        ...rest,
        signal: ending.signal,
      });
    case "timed_out":
      return failed("timeout", "it ran out of time; ask for more with the field timeout", rest);
    case "output_limit":
      return failed("output_limit", "it wrote more than 16 MiB", rest);
    case "aborted":
      return { ...stoppedOutcome(signal.reason === "cancelled" ? "cancelled" : "shutdown"), ...rest };
    case "not_started":
      return failed("could_not_start", `${ending.code}: ${ending.explanation}`, rest);
  }
}

const target = parseRedisUrl(process.env["REDIS_URL"] ?? "redis://localhost:6379");
const owner = randomUUID();
const queue = new RedisJobQueue({ target, runner: runner.runnerId, owner });
const presence = new RedisPresence({ target, runner: runner.runnerId });
const handle = runner.spawn({
  queue,
  admit: createAdmit({ ...runner, alsoCheck: mayStart }),
  concurrency: 4,
  presence,
  instance: {
    owner,
    host: hostname(),
    pid: process.pid,
    version: "1.0.0",
    isolation: "group",
    signatures: "off",
    lastPollMs: () => undefined,
  },
});
process.once("SIGTERM", () => {
  handle.drain();
  process.once("SIGTERM", () => handle.abort());
});
console.log(`${runner.runnerId} takes jobs`);
const { settled } = await handle.stopped;
await executor.close();
queue.close();
presence.close();
console.log(`${settled} jobs done`);
