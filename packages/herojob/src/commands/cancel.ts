/** `cancel`: ends a waiting job at once, asks for the end of a running one. */
import { wireView } from "@herorunner/job";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { OneJobConfig } from "../options.ts";
import { locatorOf, type Session } from "../session.ts";
import { jsonLine } from "../visible.ts";

export async function cancel(config: OneJobConfig, { api, shell, words }: Session): Promise<ExitCode> {
  const locator = locatorOf(config);
  const answer = await api.cancel(config.id, locator);
  const job = await api.get(config.id, locator);
  if (config.json) await shell.stdout.write(jsonLine(wireView(job)));
  else if (answer === "cancelled") await shell.stdout.write("cancelled\n");
  else if (answer === "requested") {
    await shell.stdout.write("requested\n");
    if (shell.stderr.isTerminal) {
      await shell.stderr.write(
        `its runner was told; see it end with: herojob wait ${job.id} --runner ${job.runner}${words}\n`,
      );
    }
  }
  if (answer !== "final") return exitCodes.done;
  await shell.stderr.write(`herojob: job ${job.id} is ${job.status} already; there is nothing to cancel\n`);
  return exitCodes.conflict;
}
