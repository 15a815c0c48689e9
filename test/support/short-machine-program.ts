/**
 * Runs a job plainly and through a spawn server, and prints how each ended. "no-descriptors": while all of this process's are
 * taken; then also how many more it has in the end than before.
 */
import { closeSync, openSync, readdirSync } from "node:fs";
import { type ChildExecutor, createChildExecutor, createSpawnServerLauncher } from "@herorunner/runner";
import { shell } from "./bad-child.ts";

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
