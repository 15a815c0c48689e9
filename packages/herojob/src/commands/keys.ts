/** `keygen`, `sign`, `cosign` and `verify`: files only, nothing is asked and nothing is sent. */
import {
  cosignJob,
  generateKeyFile,
  loadKeyFile,
  runVerifyCommand,
  signJob,
  writeJobFile,
} from "@herorunner/job/trust";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { parseJob, readSource } from "../job-input.ts";
import type { SigningConfig } from "../job-options.ts";
import type { VerifyConfig } from "../options.ts";
import { type Shell, shownOn } from "../shell.ts";
import { type IsTyped, signOptions } from "../signing.ts";
import { UsageError } from "../usage-error.ts";
import { jsonLine } from "../visible.ts";

interface KeygenConfig {
  readonly name: string | undefined;
  readonly out: string | undefined;
  readonly json: boolean;
}

/** Prints the public key alone on standard output; a person also reads what to do with it. */
export async function keygen(config: KeygenConfig, shell: Shell): Promise<ExitCode> {
  const [name, out] = [required(config.name, "--name"), required(config.out, "--out")];
  const { publicKey } = await generateKeyFile(out, name);
  const line = config.json ? jsonLine({ name, public_key: publicKey, file: out }) : `${publicKey}\n`;
  await shell.stdout.write(line);
  if (shell.stderr.isTerminal) {
    const entry = JSON.stringify({ name, public_key: publicKey });
    await shell.stderr.write(
      `secret key in ${out}; keep it to yourself\nfor the trust file of a runner: ${entry}\n`,
    );
  }
  return exitCodes.done;
}

interface SignConfig extends SigningConfig {
  readonly file: string;
  readonly runner: string | undefined;
}

export async function sign(config: SignConfig, shell: Shell, isTyped: IsTyped): Promise<ExitCode> {
  const key = await loadKeyFile(required(config.key, "--key"));
  const job = parseJob(config.file, await readSource(config.file, shell));
  if (job.signatures.length > 0) {
    throw new UsageError("the job is signed already; add a signature with herojob cosign");
  }
  const runner = job.runner || (config.runner ?? "");
  if (runner === "")
    throw new UsageError("the job names no runner, and a signature covers it; add --runner RUNNER");
  if (config.runner !== undefined && config.runner !== runner) {
    throw new UsageError(`--runner is ${config.runner}, but the job names ${runner}; leave one of them out`);
  }
  const terms = { config, isTyped, nowMs: shell.now() };
  const signed = await signJob({ ...job, runner }, key, signOptions(job, terms));
  await shell.stdout.write(writeJobFile(signed));
  return exitCodes.done;
}

interface CosignConfig {
  readonly file: string;
  readonly key: string | undefined;
}

export async function cosign(config: CosignConfig, shell: Shell): Promise<ExitCode> {
  const key = await loadKeyFile(required(config.key, "--key"));
  const job = parseJob(config.file, await readSource(config.file, shell));
  const signed = await cosignJob(job, key);
  if (signed.signatures.length === job.signatures.length) {
    await shell.stderr.write(`herojob: ${key.name} has signed this job before; nothing was added\n`);
  }
  await shell.stdout.write(writeJobFile(signed));
  return exitCodes.done;
}

export async function verify(config: VerifyConfig, shell: Shell): Promise<ExitCode> {
  const { now, runner, audience, acceptV1, json } = config;
  const answer = await runVerifyCommand({
    jobFile: config.file,
    ...(config.file === "-" ? { jobText: await readSource("-", shell) } : {}),
    trustFile: required(config.trust, "--trust"),
    nowSeconds: now ?? shell.now() / 1000,
    acceptV1,
    json,
    ...(runner === undefined ? {} : { runner }),
    ...(audience === undefined ? {} : { audience }),
  });
  await shell.stdout.write(shownOn(shell.stdout, answer.stdout, false));
  await shell.stderr.write(shownOn(shell.stderr, answer.stderr, false));
  return answer.exitCode;
}

function required(value: string | undefined, flag: string): string {
  if (value === undefined) throw new UsageError(`${flag} is missing`);
  return value;
}
