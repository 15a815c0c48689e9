/**
 * `herorunner verify JOB.json --trust FILE`: the runner's own checks, without a runner. Everything but the parser lives
 * in the job package, where `herojob verify` finds it too; only this program can also look into the script.
 */
import { type CommandAnswer, runVerifyCommand, type VerifyCommand } from "@herorunner/job/trust";
import { listActions } from "./script-actions.ts";

export function verifyCommand(command: Omit<VerifyCommand, "listActions">): Promise<CommandAnswer> {
  return runVerifyCommand({ ...command, listActions });
}
