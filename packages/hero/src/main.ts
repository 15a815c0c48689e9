/**
 * The `hero` command: finds the command, runs it, ends with its exit code. `hero run` is the quick way through; all
 * other commands are loaded when they are asked for.
 */
import { exitCodes, type ExitCode } from "./exit-codes.ts";
import { UsageError, messageOf } from "./errors.ts";
import { ReaderGone, writeErr } from "./output.ts";
import { runCommand, type World } from "./commands/run.ts";
import { readStdin } from "./source.ts";

const scriptFile = /\.(?:hero|heroscript|hs)$/;

async function dispatch(words: readonly string[], world: World): Promise<ExitCode> {
  const [command, ...rest] = words;
  if (command === "run") return runCommand(rest, world);
  if (command !== undefined && scriptFile.test(command)) return runCommand(words, world);
  const { otherCommand } = await import("./commands/other.ts");
  return otherCommand(words, world);
}

async function main(): Promise<ExitCode> {
  const nowMs = (): number => performance.now();
  const world: World = { environment: process.env, cwd: process.cwd(), nowMs, readStdin };
  try {
    return await dispatch(process.argv.slice(2), world);
  } catch (error) {
    if (error instanceof ReaderGone) {
      if (error.complaint !== undefined) writeErr(`hero: ${error.complaint}\n`);
      return exitCodes.failed;
    }
    if (error instanceof UsageError) {
      writeErr(`hero: ${error.message}\n${error.hint === undefined ? "" : `      hint: ${error.hint}\n`}`);
      return exitCodes.usage;
    }
    writeErr(
      `hero: internal error: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`,
    );
    return exitCodes.failed;
  }
}

let finished = false;
// Nothing of ours ends the process before its time, nor waits for what never comes; the code of own actors can do both, and would end with 0.
process.once("exit", (code) => {
  const unsettled = 13;
  if (finished || (code !== exitCodes.done && code !== unsettled)) return;
  writeErr(
    "hero: ended before it was done: an own actor ended the process, or waits for ever while it is loaded\n",
  );
  process.exitCode = exitCodes.failed;
});
const code = await main();
finished = true;

// All output is written by now (writeSync). To come to its end by itself takes Node some milliseconds more, a third of what a
// script takes for which a process has waited.
process.exit(code);
