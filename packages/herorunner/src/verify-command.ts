/**
 * `herorunner verify JOB.json --trust FILE`: the runner's own checks, without a runner. Most of it lives in the job
 * package, where `herojob verify` finds it too; only this program can also look into the script, and knows what jobs may set.
 */
import { type CommandAnswer, runVerifyCommand, type VerifyCommand } from "@herorunner/job/trust";
import { jobEnvironment, parseAllowedNames } from "@herorunner/runner";
import { exitCodes } from "./exit-codes.ts";
import { listActions } from "./script-actions.ts";

export interface RunnerVerifyCommand extends Omit<VerifyCommand, "listActions" | "environmentProblem"> {
  /** As given with --env-allow. */
  readonly envAllow: readonly string[];
}

export async function verifyCommand({ envAllow, ...command }: RunnerVerifyCommand): Promise<CommandAnswer> {
  const allowed = parseAllowedNames(envAllow);
  if (!allowed.ok)
    return { exitCode: exitCodes.usage, stdout: "", stderr: `--env-allow: ${allowed.message}\n` };
  const policy = { base: new Map<string, string>(), allow: allowed.names };
  return runVerifyCommand({
    ...command,
    listActions,
    environmentProblem: (job, { envUnsafe }) => {
      const environment = jobEnvironment(policy, { ...job, envUnsafe });
      return environment.ok ? undefined : environment.message;
    },
  });
}
