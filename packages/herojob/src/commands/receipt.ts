/** `receipt get` and `receipt verify`: the runner's signed word on how a job ended. */
import { access } from "node:fs/promises";
import { idPattern, isFinal, type Job, type JobView } from "@herorunner/job";
import { jobDigest, readPublicKey, receiptMismatch, verifyReceipt } from "@herorunner/job/trust";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { parseJob, readSource } from "../job-input.ts";
import type { ReceiptConfig } from "../options.ts";
import { locatorOf, type Session, type WithSession } from "../session.ts";
import { type Shell, shownOn } from "../shell.ts";
import { UsageError } from "../usage-error.ts";
import { jsonLine } from "../visible.ts";

export async function receipt(
  config: ReceiptConfig,
  shell: Shell,
  withSession: WithSession,
): Promise<ExitCode> {
  const { action, target } = config;
  if (action === "verify" && (target === "-" || (await isThere(target)))) {
    const text = await readSource(target, shell);
    return report(await judge(text, undefined, { config, shell }), { config, shell });
  }
  if (!idPattern.test(target))
    throw new UsageError(`${JSON.stringify(target)} is neither a file nor the id of a job`);
  return withSession(async (session) => {
    const view = await session.api.get(target, locatorOf(config));
    if (view.receipt === undefined) return missing(view, session);
    if (action === "get") {
      await shell.stdout.write(`${shownOn(shell.stdout, view.receipt, false)}\n`);
      return exitCodes.done;
    }
    const stored = { view, job: await storedJob(config, session) };
    return report(await judge(view.receipt, stored, { config, shell }), { config, shell });
  });
}

async function missing(job: JobView, { shell }: Session): Promise<ExitCode> {
  await shell.stderr.write(`herojob: job ${job.id} has no receipt: ${whyNone(job)}\n`);
  return exitCodes.conflict;
}

function whyNone({ status, reason, attempt }: JobView): string {
  if (!isFinal(status)) return `it is ${status}`;
  if (attempt === 0) return "it was never started";
  return reason === "runner_lost" ? "its runner was lost before its end" : "its runner has no --receipt-key";
}

/** The job as it is stored, where the store shows all of it. */
async function storedJob(config: ReceiptConfig, { api }: Session): Promise<Job | undefined> {
  return api.request(config.target, locatorOf(config)).catch(() => undefined);
}

interface Stored {
  readonly view: JobView;
  readonly job: Job | undefined;
}

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

interface Judgement {
  readonly valid: boolean;
  readonly publicKey?: string;
  readonly checks: readonly Finding[];
}

interface Terms {
  readonly config: ReceiptConfig;
  readonly shell: Shell;
}

async function judge(text: string, stored: Stored | undefined, { config, shell }: Terms): Promise<Judgement> {
  const read = verifyReceipt(text.trim());
  if (!read.ok) return { valid: false, checks: [{ name: "signature", ok: false, detail: read.problem }] };
  const { statement, publicKey } = read;
  const checks: Finding[] = [{ name: "signature", ok: true, detail: `of ${publicKey}` }];
  if (config.publicKey.length > 0) {
    const allowed = config.publicKey.map(checkedKey);
    const ok = allowed.includes(publicKey);
    checks.push({ name: "key", ok, detail: ok ? "is one that you named" : "is none that you named" });
  }
  if (config.job !== undefined) {
    const job = parseJob(config.job, await readSource(config.job, shell));
    const ok = jobDigest(job) === statement.job_digest;
    checks.push({
      name: "job",
      ok,
      detail: ok ? "is the one in the file" : "is another one than in the file",
    });
  }
  if (stored?.job !== undefined) {
    const { status, reason, exitCode, result, stderr } = stored.view;
    const problem = receiptMismatch(statement, {
      job: stored.job,
      status,
      reason,
      exitCode,
      result,
      stderr,
    });
    checks.push({ name: "record", ok: problem === undefined, detail: problem ?? "says the same" });
  }
  return { valid: checks.every(({ ok }) => ok), publicKey, checks };
}

function checkedKey(hex: string): string {
  const key = readPublicKey(hex);
  if (key === undefined)
    throw new UsageError(
      `--public-key ${JSON.stringify(hex.slice(0, 140))} is not a point of secp256k1 in hex`,
    );
  return key.hex;
}

async function report({ valid, publicKey, checks }: Judgement, { config, shell }: Terms): Promise<ExitCode> {
  const lines = checks.map(
    ({ name, ok, detail }) => `${ok ? "ok" : "FAIL"} ${name}${detail === undefined ? "" : `: ${detail}`}\n`,
  );
  const text = shownOn(shell.stdout, lines.join(""), false);
  await shell.stdout.write(config.json ? jsonLine({ valid, public_key: publicKey, checks }) : text);
  if (valid && config.publicKey.length === 0) {
    await shell.stderr.write(
      "herojob: the signature holds, but whose key it is was not asked; name the runner's with --public-key HEX\n",
    );
  }
  return valid ? exitCodes.done : exitCodes.failed;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
