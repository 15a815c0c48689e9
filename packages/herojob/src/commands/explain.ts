/** `explain`: the story of one job for the person who has to do something about it. */
import { isFinal, type JobApi, type JobView, wireView } from "@herorunner/job";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { explainJob } from "../explanation.ts";
import type { OneJobConfig } from "../options.ts";
import { locatorOf, type Session } from "../session.ts";
import { shownOn } from "../shell.ts";
import { jsonLine } from "../visible.ts";

export async function explain(config: OneJobConfig, { api, shell, words }: Session): Promise<ExitCode> {
  const job = await api.get(config.id, locatorOf(config));
  // A key that may look at jobs only, or a user without those keys in its ACL: the rest is still worth telling.
  const runner = isFinal(job.status) ? undefined : await api.runner(job.runner).catch(() => undefined);
  const told = explainJob(job, { runner, isSigned: await isSigned(job, api) }, words);
  if (config.json) {
    const { id, runner: runnerId, status, reason, error, kill } = wireView(job);
    const { meaning, actor, next, command } = told;
    await shell.stdout.write(
      jsonLine({ id, runner: runnerId, status, reason, error, meaning, actor, next, command, kill }),
    );
    return exitCodes.done;
  }
  const lines = [
    ["what it said", told.said],
    ["what it means", told.meaning],
    ["who can act", told.actor],
    ["what to do", told.next],
    ["command", told.command],
  ] as const;
  const text = [
    `${told.headline}\n\n`,
    ...lines.map(([name, value]) => line(name, value)),
    "\n",
    ...told.facts.map(([name, value]) => line(name, value)),
  ].join("");
  await shell.stdout.write(shownOn(shell.stdout, text, false));
  return exitCodes.done;
}

/** Where the store shows it: a supervisor keeps jobs with variables to itself, but tells whose signatures counted. */
async function isSigned({ id, runner, status, signers = [] }: JobView, api: JobApi): Promise<boolean> {
  if (status !== "error" && status !== "created") return false; // nothing is repeated
  if (signers.length > 0) return true;
  const job = await api.request(id, { runner }).catch(() => undefined);
  return job !== undefined && job.signatures.length > 0;
}

function line(name: string, value: string | undefined): string {
  return value === undefined ? "" : `${name.padEnd(18)}${value}\n`;
}
