/**
 * `verify JOB.json --trust FILE`, shared by the programs that offer it: reads both files, runs every check and says
 * what it found, for people or as JSON. Exit code 0 valid, 1 not, 2 usage.
 */
import { readFile } from "node:fs/promises";
import type { Job } from "../job.ts";
import type { JobReason } from "../outcome.ts";
import { grantProblem, type ListedActions, type Privileges } from "./grants.ts";
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
  /** What is wrong with the job's variables for a runner. Where nobody knows its rules, they are not checked. */
  readonly environmentProblem?: (job: Job, privileges: Pick<Privileges, "envUnsafe">) => string | undefined;
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
  /** What a runner checks besides, and this program cannot: the job may still be refused for it. */
  readonly unchecked: readonly Unchecked[];
}

interface Unchecked {
  readonly name: string;
  readonly detail: string;
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
  const lines = [...report.checks.map(line), ...report.unchecked.map(uncheckedLine)];
  const stdout = command.json === true ? `${JSON.stringify(report)}\n` : lines.join("");
  return { exitCode: report.valid ? 0 : 1, stdout, stderr: "" };
}

function usage(...problems: string[]): CommandAnswer {
  return { exitCode: 2, stdout: "", stderr: problems.map((problem) => `${problem}\n`).join("") };
}

function line(check: Check): string {
  if (!check.ok) return `FAIL ${check.name}: ${check.detail ?? "refused"}\n`;
  return check.detail === undefined ? `ok ${check.name}\n` : `ok ${check.name}: ${check.detail}\n`;
}

function uncheckedLine({ name, detail }: Unchecked): string {
  return `? ${name}: not checked: ${detail}\n`;
}

function judge(jobText: string, trust: TrustFile, command: VerifyCommand): Report {
  const read = readJobFile(jobText);
  if (!read.ok) {
    const checks = [{ name: "fields", ok: false, detail: read.message }];
    const nobody = { signers: [], digest: "", checks, unchecked: [] };
    return { valid: false, reason: read.reason, codes: [read.code], ...nobody };
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
  const { codes, digest } = result;
  const looks = result.valid
    ? [
        lookAtActions(read.job, result.privileges, command),
        lookAtVariables(read.job, result.privileges, command),
      ]
    : [];
  const checks = [...result.checks, ...looks.flatMap(({ check }) => check ?? [])];
  const unchecked = looks.flatMap((look) => look.unchecked ?? []);
  const refused = looks.find(({ check }) => check?.ok === false);
  const reason = refused?.reason ?? result.reason;
  return {
    valid: result.valid && refused === undefined,
    ...(reason === undefined ? {} : { reason }),
    ...{ codes, signers: refused === undefined ? result.signers : [], digest, checks, unchecked },
  };
}

/** What a runner looks at after the signatures: a check, or why there is none; neither where there is nothing to look at. */
interface Look {
  /** Of a job that does not pass. */
  readonly reason: JobReason;
  readonly check?: Check;
  readonly unchecked?: Unchecked;
}

function lookAtActions({ payload }: Job, privileges: Privileges, { listActions }: VerifyCommand): Look {
  const [reason, name] = ["not_granted", "actions"] as const;
  const allowed = privileges.allowedActions;
  if (allowed === undefined) return { reason };
  if (listActions === undefined && allowed.length > 0) {
    const detail = `the signers may use ${allowed.join(", ")}; whether the script keeps to it is seen by the runner, and by herorunner verify`;
    return { reason, unchecked: { name, detail } };
  }
  return { reason, check: checkOf(name, grantProblem(payload, privileges, listActions)) };
}

function lookAtVariables(job: Job, privileges: Privileges, { environmentProblem }: VerifyCommand): Look {
  const [reason, name] = ["env_refused", "env_vars"] as const;
  if (environmentProblem !== undefined)
    return { reason, check: checkOf(name, environmentProblem(job, privileges)) };
  if (job.envVars.size === 0) return { reason };
  const detail = "whether the names are allowed is seen by the runner, and by herorunner verify";
  return { reason, unchecked: { name, detail } };
}

function checkOf(name: string, problem: string | undefined): Check {
  return problem === undefined ? { name, ok: true } : { name, ok: false, detail: problem };
}
