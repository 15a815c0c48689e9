/**
 * hero started ahead of its job: a runner that keeps processes waiting sets HERO_LATE_ENV=stdin and later writes one line of
 * JSON, an object of the variables that belong to the job, and after it the script. Everything a script may need is
 * loaded and tried while we wait.
 */
import type { World } from "./commands/run.ts";
import { UsageError } from "./errors.ts";
import type { RunOutput } from "./output.ts";
import { Registry } from "./registry.ts";
import { runSources } from "./run/run.ts";
import { readWhatIsThere } from "./source.ts";

/** Resolves when the job is here, with its variables in `process.env` too, for the programs that actions call. */
export async function waitForJob(world: World): Promise<World> {
  const input = world.readStdin(await warmUp(world));
  const end = input.indexOf("\n");
  const variables = readVariables((end < 0 ? input : input.subarray(0, end)).toString("utf8"));
  delete process.env["HERO_LATE_ENV"];
  Object.assign(process.env, variables);
  const script = end < 0 ? Buffer.alloc(0) : input.subarray(end + 1);
  return { ...world, environment: process.env, readStdin: () => script };
}

const nowhere: RunOutput = { json: false, print: () => {}, result: () => {}, note: () => {} };

/**
 * Loads, and goes both ways through a script that shows its output to nobody: what is run for the first time costs most. A job
 * that comes meanwhile does not wait for it: answers what has come of it.
 */
async function warmUp(world: World): Promise<Uint8Array | undefined> {
  const registry = new Registry();
  const { cwd, nowMs } = world;
  const run = { registry, output: nowhere, report: () => {}, allow: [], environment: {}, args: [] };
  const steps = [
    () => registry.load(registry.names),
    () => runText('print("a")\n'),
    async () => void (await (await import("./run/interpreter.ts")).loadQuickJs()),
    () => runText('let a = "b"\nprint(a)\n'),
  ];
  async function runText(text: string): Promise<void> {
    const source = { name: "", text, folder: cwd, prose: false };
    await runSources([source], { ...run, home: cwd, cwd, nowMs, deadlineMs: undefined });
  }
  for (const step of steps) {
    const input = readWhatIsThere();
    if (input !== undefined) return input;
    await step();
  }
  return undefined;
}

function readVariables(line: string): Readonly<Record<string, string>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw notAnObject();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw notAnObject();
  const entries = Object.entries(value).map(([name, text]): [string, string] => {
    if (typeof text !== "string") throw notAnObject();
    return [name, text];
  });
  return Object.fromEntries(entries);
}

function notAnObject(): UsageError {
  return new UsageError(
    "HERO_LATE_ENV=stdin is set, but standard input does not begin with a line that is a JSON object of texts",
    "unset HERO_LATE_ENV; only a runner that starts hero ahead of its jobs sets it",
  );
}
