/** How a final job is shown: its output where a program's output goes, its failure as a sentence, its exit code. */
import type { JobView } from "@herorunner/job";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { shownOn, type OutputPort, type Shell } from "./shell.ts";

export function endCode(job: JobView): ExitCode {
  return job.status === "finished" ? exitCodes.done : exitCodes.failed;
}

export interface EndingOptions {
  readonly shell: Shell;
  readonly raw: boolean;
  /** What was shown while the job ran, and need not be shown again. */
  readonly alreadyShown?: { readonly out: boolean; readonly err: boolean };
}

/** Writes `result` to standard output, exactly unless a person looks, then stderr and the error to standard error. */
export async function showEnding(job: JobView, options: EndingOptions): Promise<void> {
  const { shell, raw, alreadyShown = { out: false, err: false } } = options;
  if (!alreadyShown.out) await writeOutput(shell.stdout, job.result ?? "", raw);
  if (!alreadyShown.err) await writeOutput(shell.stderr, job.stderr ?? "", raw);
  if ((job.droppedBytes ?? 0) > 0) {
    await shell.stderr.write(`herojob: ${job.droppedBytes} bytes of its output were not kept\n`);
  }
  if (job.status !== "error") return;
  const sentence = errorSentence(job);
  const reason = job.reason === undefined ? "" : ` (${job.reason})`;
  await shell.stderr.write(
    `herojob: job ${job.id} ended as error${reason}: ${shownOn(shell.stderr, sentence, false)}\n`,
  );
}

/** The sentence at the start of `error`; the end of stderr that follows it is shown by itself. */
export function errorSentence(job: JobView): string {
  return job.error?.split("\n", 1)[0] ?? "no error was stored";
}

/** A prompt should not stand behind the last line. */
async function writeOutput(port: OutputPort, text: string, raw: boolean): Promise<void> {
  const open = port.isTerminal && text !== "" && !text.endsWith("\n");
  await port.write(`${shownOn(port, text, raw)}${open ? "\n" : ""}`);
}
