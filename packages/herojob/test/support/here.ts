/** herojob inside the test's own process: all of it but main.ts. For tests that need many runs and no terminal. */
import { runHerojob } from "../../src/run.ts";
import type { OutputPort, Shell } from "../../src/shell.ts";
import type { Ended } from "./herojob.ts";

class Collected implements OutputPort {
  readonly isTerminal = false;
  text = "";

  write(text: string): Promise<void> {
    this.text += text;
    return Promise.resolve();
  }
}

/** Nobody sits at it. `input` is all of standard input. */
export function hereShell(input = ""): { shell: Shell; written: () => { stdout: string; stderr: string } } {
  const [stdout, stderr] = [new Collected(), new Collected()];
  const shell: Shell = {
    ...{ stdout, stderr, isInteractive: false },
    readInput: () => Promise.resolve(Buffer.from(input)),
    readLine: () => Promise.resolve(""),
    onInterrupt: () => () => undefined,
    holdInterrupts: () => undefined,
    now: Date.now,
  };
  return { shell, written: () => ({ stdout: stdout.text, stderr: stderr.text }) };
}

/** `input` is all of standard input. Paths in `args` must be absolute: the folder is that of the tests. */
export async function herojobHere(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = "",
): Promise<Ended> {
  const { shell, written } = hereShell(input);
  const code = await runHerojob(args, env, shell);
  return { code, ...written() };
}
