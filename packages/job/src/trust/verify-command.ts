/**
 * `verify JOB.json --trust FILE`, shared by the programs that offer it: reads both files, runs every check and says
 * what it found, for people or as JSON. Exit code 0 valid, 1 not, 2 usage.
 */
import { readFile } from "node:fs/promises";
import { grantProblem, type ListedActions } from "./grants.ts";
import { readJobFile } from "./job-file.ts";
import type { RefusalCode } from "./codes.ts";
import { parseTrustFile, type TrustFile } from "./trust-file.ts";
import { type Check, verifyJob } from "./verify.ts";

export interface VerifyCommand {
  /** Path of the job file. */
  readonly jobFile: string;
  /** What would be read from `jobFile`, when the caller has it already. */
  readonly jobText?: string;
  /** Path of the trust file. */
  readonly trustFile: string;
  /** Unix time to judge at. */
  readonly nowSeconds: number;
  /** The runner that would run it. */
  readonly runner?: string;
  /** Wins over the audience of the trust file. */
  readonly audience?: string;
  readonly acceptV1?: boolean;
  readonly json?: boolean;
  /** Where no parser is at hand, limits on actions are told but not checked. */
  readonly listActions?: (payload: string) => ListedActions;
}

export interface CommandAnswer {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the JSON form prints. */
interface Report {
  readonly valid: boolean;
  readonly reason?: string;
  readonly codes: readonly RefusalCode[];
  readonly signers: readonly string[];
  readonly digest: string;
  readonly checks: readonly Check[];
}

/** Never rejects for anything in the files. */
export async function runVerifyCommand(command: VerifyCommand): Promise<CommandAnswer> {
  if (!Number.isFinite(command.nowSeconds)) return usage("--now must be unix seconds");
  const texts: string[] = [];
  for (const path of [command.jobFile, command.trustFile]) {
    try {
      const known = path === command.jobFile ? command.jobText : undefined;
      texts.push(known ?? (await readFile(path, "utf8")));
    } catch (error) {
      return usage(`${path} cannot be read: ${(error as Error) /* readFile throws nothing else */.message}`);
    }
  }
  const [jobText = "", trustText = ""] = texts;
  const parsed = parseTrustFile(trustText);
  if (!parsed.ok) return usage(...parsed.problems.map((problem) => `${command.trustFile}: ${problem}`));
  const trust =
    command.audience === undefined ? parsed.trust : { ...parsed.trust, audience: command.audience };
  const report = judge(jobText, trust, command);
  const stdout = command.json === true ? `${JSON.stringify(report)}\n` : report.checks.map(line).join("");
  return { exitCode: report.valid ? 0 : 1, stdout, stderr: "" };
}

function usage(...problems: string[]): CommandAnswer {
  return { exitCode: 2, stdout: "", stderr: problems.map((problem) => `${problem}\n`).join("") };
}

function line(check: Check): string {
  if (!check.ok) return `FAIL ${check.name}: ${check.detail ?? "refused"}\n`;
  return check.detail === undefined ? `ok ${check.name}\n` : `ok ${check.name}: ${check.detail}\n`;
}

function judge(jobText: string, trust: TrustFile, command: VerifyCommand): Report {
  const read = readJobFile(jobText);
  if (!read.ok) {
    const checks = [{ name: "fields", ok: false, detail: read.message }];
    return { valid: false, reason: read.reason, codes: [read.code], signers: [], digest: "", checks };
  }
  const result = verifyJob(
    read,
    {
      trust,
      acceptV1: command.acceptV1 === true,
      ...(command.runner === undefined ? {} : { runner: command.runner }),
    },
    { nowSeconds: command.nowSeconds, explain: true },
  );
  const { valid, codes, signers, digest } = result;
  const actions = valid ? actionsCheck(read.job.payload, result.privileges, command.listActions) : undefined;
  const checks = actions === undefined ? result.checks : [...result.checks, actions];
  if (actions?.ok === false)
    return { valid: false, reason: "not_granted", codes, signers: [], digest, checks };
  const { reason } = result;
  return { valid, ...(reason === undefined ? {} : { reason }), codes, signers, digest, checks };
}

function actionsCheck(
  payload: string,
  privileges: Parameters<typeof grantProblem>[1],
  listActions: VerifyCommand["listActions"],
): Check | undefined {
  const allowed = privileges.allowedActions;
  if (allowed === undefined) return undefined;
  if (listActions === undefined && allowed.length > 0) {
    return {
      name: "actions",
      ok: true,
      detail: `limited to ${allowed.join(", ")}; the runner looks into the script`,
    };
  }
  const problem = grantProblem(payload, privileges, listActions);
  return problem === undefined
    ? { name: "actions", ok: true }
    : { name: "actions", ok: false, detail: problem };
}
