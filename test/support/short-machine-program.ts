/**
 * Runs a job plainly and through a spawn server, and prints how each ended. "no-descriptors": while all of this process's are
 * taken; then also how many more it has in the end than before. "no-descriptors-at-end": they are taken when the job is to be
 * ended, and what it left; "few-descriptors": how many of forty free ones are gone after a plain start that failed.
 */
import { closeSync, openSync, readdirSync } from "node:fs";
import {
  type ChildExecutor,
  createChildExecutor,
  createExecutor,
  createSpawnServerLauncher,
  type IsolationLevel,
  type SpawnServerLauncher,
} from "@herorunner/runner";
import { badChild, shell } from "./bad-child.ts";
import { until } from "./until.ts";

const never = new AbortController().signal;
const [, , want] = process.argv;

const endingOf = async (executor: ChildExecutor, text: string): Promise<string> => {
  const { ending, output } = await executor.run(shell(text), never);
  return ending.kind === "not_started" ? ending.code : `${ending.kind} ${output.stdout.trim()}`;
};

const taken: number[] = [];
const takeAll = (): void => {
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    // That was the last one.
  }
};
const giveBack = (): void => {
  for (const file of taken.splice(0)) closeSync(file);
};
const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** Once with nothing made ahead, and then with pipes that wait. */
async function endingsOf(executor: ChildExecutor): Promise<readonly string[]> {
  const endings: string[] = [];
  for (const isShort of want === "no-descriptors" ? [true, false, true] : [false]) {
    if (isShort) takeAll();
    endings.push(await endingOf(executor, "sleep 0.05; echo ran"));
    giveBack();
  }
  return endings;
}

/** How a job is ended that has a helper in a session of its own, and how many of both are left. */
async function endingWithout(isolation: IsolationLevel): Promise<unknown> {
  let launcher: SpawnServerLauncher | undefined;
  const executor = await createExecutor({
    isolation,
    makeLauncher: (fences) => (launcher = createSpawnServerLauncher(fences && { fences })),
  });
  await launcher?.ready;
  const child = badChild("hangs-with-session");
  const ending = new AbortController();
  const running = executor.run(child.command, ending.signal);
  await until(() => child.left().length >= 2, "both are there");
  takeAll();
  ending.abort();
  const { ending: how, facts } = await running;
  giveBack();
  const result = { how: how.kind, survivors: facts.kill?.survivors, left: child.left().length };
  await executor.close();
  return result;
}

/** Of forty free descriptors, after a plain start that needs more for its pipes. */
async function goneOfForty(): Promise<unknown> {
  const executor = createChildExecutor();
  takeAll();
  for (const file of taken.splice(0, 40)) closeSync(file);
  const how = await endingOf(executor, "echo ran");
  const free = taken.length;
  takeAll();
  const gone = 40 - (taken.length - free);
  giveBack();
  await executor.close();
  return { how, gone };
}

if (want === "no-descriptors-at-end" || want === "few-descriptors") {
  const [, , , level = "group"] = process.argv;
  const answer = want === "few-descriptors" ? goneOfForty() : endingWithout(level as IsolationLevel);
  process.stdout.write(JSON.stringify(await answer));
  process.exit();
}

const launcher = createSpawnServerLauncher();
await launcher.ready;
const through = createChildExecutor({ makeLauncher: () => launcher });
const spawned = await endingsOf(through);
await through.close();
// The first executor of a process also opens what stays with the process.
const before = descriptors();
const plainly = createChildExecutor();
const plain = await endingsOf(plainly);
await plainly.close();
process.stdout.write(JSON.stringify({ spawned, plain, leaked: descriptors() - before }));
