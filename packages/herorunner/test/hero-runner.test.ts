import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type JobOutcome, type VerifiedJob } from "@herorunner/job";
import { MemoryQueue } from "@herorunner/job/testing";
import {
  baseEnvironment,
  createAdmit,
  type Ending,
  type JobContext,
  silentLogger,
  systemClock,
} from "@herorunner/runner";
import { execution, type Script, ScriptedExecutor } from "@herorunner/runner/testing";
import { expect, test } from "vitest";
import { HeroLocator } from "../src/hero-binary.ts";
import { createHeroRunner, outcomeOf } from "../src/hero-runner.ts";
import type { Invocation } from "../src/job-options.ts";

const heroPath = process.execPath; // some program that is there

/** A verified job, made by admission from what a client wrote. */
async function jobOf(fields: Record<string, string> = {}) {
  const queue = new MemoryQueue();
  queue.store.submit("42", { payload: 'print("hi")', ...fields });
  const claim = (await queue.claim(new AbortController().signal))[0]!;
  const admission = createAdmit({ runnerId: queue.store.runner, runnerType: "hero" })(claim);
  if (!admission.ok) throw new Error(admission.outcome.message);
  return { job: admission.job, claim };
}

interface RunOptions {
  readonly fields?: Record<string, string>;
  readonly invoke?: Invocation;
  readonly hero?: string;
  readonly script?: Script;
  readonly change?: Partial<VerifiedJob>;
}

async function run(options: RunOptions = {}) {
  const { invoke = "stdin", hero = heroPath, script } = options;
  const { job, claim } = await jobOf(options.fields);
  const executor = new ScriptedExecutor(script);
  const runner = createHeroRunner({
    ...{ runnerId: "r", executor, invoke, graceMs: 5_000, maxOutputBytes: 1_000, cwd: "/" },
    hero: new HeroLocator(hero, "/nowhere"),
    environment: {
      base: baseEnvironment({ PATH: "/bin", SECRET_OF_THE_RUNNER: "s" }),
      allow: new Map() as never,
    },
  });
  const logged: unknown[] = [];
  const context: JobContext = {
    ...{ signal: new AbortController().signal, clock: systemClock, logger: silentLogger, claim },
    log: (...entry) => void logged.push(entry),
  };
  const outcome = await runner.processJob({ ...job, ...options.change }, context);
  return { outcome, command: executor.commands[0], logged };
}

test("the script goes to standard input of `hero run -s`, byte for byte", async () => {
  const payload = 'print("grüße")\r\n\n  !!git.list\n';
  const { command, outcome } = await run({ fields: { payload, timeout: "7" } });
  expect(command).toMatchObject({ file: heroPath, args: ["run", "-s"], stdin: payload, timeoutMs: 7_000 });
  expect(outcome.kind).toBe("finished");
});

test.each([
  ["script", ["run", "-s", "PAYLOAD"]],
  ["heroscript", ["run", "-h", "PAYLOAD"]],
] as const)(
  "--invoke %s hands the script over as an argument, and standard input is empty",
  async (invoke, args) => {
    const { command } = await run({ invoke, fields: { payload: "PAYLOAD" } });
    expect([command?.args, command?.stdin]).toEqual([args, ""]);
  },
);

test("--invoke file hands over a private file that is gone afterwards", async () => {
  let content = "";
  const { command } = await run({
    invoke: "file",
    fields: { payload: "in a file" },
    script: (command) => {
      content = readFileSync(command.args[2]!, "utf8");
      return execution({ kind: "exited", code: 0 });
    },
  });
  expect(command?.args.slice(0, 2)).toEqual(["run", "-p"]);
  expect(content).toBe("in a file");
  expect(existsSync(dirname(command?.args[2] ?? ""))).toBe(false);
});

test.each([
  [
    "holds more than the script",
    (file: string) => mkdirSync(join(dirname(file), "of the job", "deep"), { recursive: true }),
  ],
  ["is gone already", (file: string) => rmSync(dirname(file), { recursive: true })],
])("the folder of --invoke file goes also when it %s", async (_what, change) => {
  const { command, outcome } = await run({
    invoke: "file",
    script: (started) => {
      change(started.args[2]!);
      return execution({ kind: "exited", code: 0 });
    },
  });
  expect(outcome.kind).toBe("finished");
  expect(existsSync(dirname(command?.args[2] ?? ""))).toBe(false);
});

test("the job sees its own variables and ids and nothing of the runner's", async () => {
  const { command } = await run({ fields: { env_vars: '{"MY_VAR":"v"}', caller_id: "alice" } });
  expect(command?.env.get("MY_VAR")).toBe("v");
  expect(command?.env.get("HERO_JOB_ID")).toBe("42");
  expect(command?.env.get("HERO_CALLER_ID")).toBe("alice");
  expect(command?.env.get("SECRET_OF_THE_RUNNER")).toBeUndefined();
});

test("what signers are limited to reaches hero as --allow", async () => {
  const { command } = await run({ change: { allowedActions: ["git.*", "docker.ps"] } });
  expect(command?.args).toEqual(["run", "-s", "--allow", "git.*,docker.ps"]);
});

test("output reaches the live log while the job runs", async () => {
  const { logged } = await run({
    script: (_command, _signal, onOutput) => {
      onOutput("out", 0, "soon");
      return execution({ kind: "exited", code: 0 });
    },
  });
  expect(logged).toEqual([["out", 0, "soon"]]);
});

test("without the binary nothing is run and the sentence says what was looked for", async () => {
  const { outcome, command } = await run({ hero: "hero-that-is-not-there" });
  expect(command).toBeUndefined();
  expect(outcome).toMatchObject({ kind: "error", reason: "hero_not_found" });
  expect((outcome as { message: string }).message).toContain('"hero-that-is-not-there"');
});

const endings: readonly (readonly [string, Ending, Partial<Extract<JobOutcome, { kind: "error" }>>])[] = [
  [
    "a status other than 0",
    { kind: "exited", code: 7 },
    { reason: "exit_status", exitCode: 7, message: "H ended with exit code 7" },
  ],
  [
    "status 3 of hero",
    { kind: "exited", code: 3 },
    { message: "H ended with exit code 3 (the script has a syntax error)" },
  ],
  [
    "a signal",
    { kind: "signalled", signal: "SIGSEGV" },
    { reason: "killed_by_signal", signal: "SIGSEGV", message: "H was killed by SIGSEGV, not by this runner" },
  ],
  [
    "SIGKILL",
    { kind: "signalled", signal: "SIGKILL" },
    { message: "H was killed by SIGKILL, not by this runner; often that is the kernel, out of memory" },
  ],
  [
    "the deadline",
    { kind: "timed_out" },
    {
      reason: "timeout",
      message: "timeout after 60 s; its processes were ended. Ask for more with the field timeout",
    },
  ],
  [
    "too much output",
    { kind: "output_limit" },
    { reason: "output_limit", message: "it wrote more than --max-output allows; its processes were ended" },
  ],
  [
    "a binary that vanished",
    { kind: "not_started", code: "ENOENT", explanation: "there is no such file", missing: "file" },
    { reason: "hero_not_found" },
  ],
  [
    "a missing interpreter",
    { kind: "not_started", code: "ENOENT", explanation: "no /bin/x", missing: "interpreter" },
    { reason: "could_not_start" },
  ],
  [
    "too long an argument",
    { kind: "not_started", code: "E2BIG", explanation: "too long" },
    { reason: "could_not_start", message: "H could not be started: E2BIG, too long" },
  ],
];

test.each(endings)("%s becomes its reason and a sentence", async (_what, ending, expected) => {
  const { job } = await jobOf();
  const ran = execution(ending, { stdout: "some", stderr: "words" });
  const outcome = outcomeOf(ran, job, { hero: "H", stopReason: undefined });
  expect(outcome).toMatchObject({ kind: "error", ...expected });
  expect(outcome.output).toEqual(ran.output);
  expect(outcome.facts?.durationMs).toBe(5);
});

test("exit status 0 is the only good end, whatever was written to standard error", async () => {
  const { job } = await jobOf();
  const ran = execution({ kind: "exited", code: 0 }, { stdout: "done\n", stderr: "a warning\n" });
  expect(outcomeOf(ran, job, { hero: "H", stopReason: undefined })).toEqual({
    kind: "finished",
    output: ran.output,
    facts: ran.facts,
  });
});

test.each([
  ["cancelled", "cancelled"],
  ["shutdown", "shutdown"],
  ["lost", "shutdown"],
] as const)(
  "a job that was stopped because it was %s ends as %s, with what it had written",
  async (stopReason, reason) => {
    const { job } = await jobOf();
    const ran = execution({ kind: "aborted" }, { stdout: "half" });
    expect(outcomeOf(ran, job, { hero: "H", stopReason })).toMatchObject({
      reason,
      output: { stdout: "half" },
    });
  },
);
