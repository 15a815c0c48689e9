/** What went wrong, as one sentence on standard error, and the exit code that goes with it. */
import { ClientError } from "@herorunner/job";
import { KeyFileError, SigningError } from "@herorunner/job/trust";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-codes.ts";
import { shownOn, type Shell } from "./shell.ts";
import { UsageError } from "./usage-error.ts";

export async function tell(error: unknown, shell: Shell): Promise<ExitCode> {
  const say = (text: string): Promise<void> =>
    shell.stderr.write(`herojob: ${shownOn(shell.stderr, text, false)}\n`);
  if (error instanceof ClientError) {
    await say(`${error.message}${nextStep(error)}`);
    return exitCodeOf(error.code);
  }
  if (error instanceof UsageError || error instanceof KeyFileError || error instanceof SigningError) {
    await say(error.message);
    return exitCodes.usage;
  }
  await say(
    `this is a bug of herojob: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return exitCodes.bug;
}

/** Sentences of the SDK know nothing of flags. */
function nextStep({ code, message }: ClientError): string {
  switch (code) {
    case "UNAVAILABLE":
      return stepAtRedis(message);
    case "DENIED":
      return "; look at the user and password in -r URL, or at the key in --api-key-file";
    case "NOT_FOUND":
      return message.endsWith("name the runner") ? " with --runner RUNNER" : "";
    case "INVALID_JOB":
    case "CONFLICT":
    case "WAIT_TIMEOUT":
      return "";
  }
}

/** One that answers is there: to start it would mend nothing. */
function stepAtRedis(message: string): string {
  if (!message.startsWith("Redis at")) return "";
  if (message.includes(" refuses: OOM ")) {
    return "; raise its maxmemory, or have runners keep results for a shorter time (--result-ttl)";
  }
  if (message.includes("Sentinel knows no master")) return "; look at the name at the end of -r URL";
  return message.includes(" refuses: ") ? "" : "; start it, or name another one with -r URL";
}
