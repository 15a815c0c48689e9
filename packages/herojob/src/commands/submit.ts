/** `submit`: a script or a job file to a runner, signed if a key is given, awaited if that is asked for. */
import type { JobRequest } from "@herorunner/job";
import { type ExitCode } from "../exit-codes.ts";
import { looksLikeJob, parseJob, readSource, requestOf, withFlags } from "../job-input.ts";
import type { SubmitConfig } from "../options.ts";
import type { WithSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { type IsTyped, signer } from "../signing.ts";
import { submitRequest } from "../submit-request.ts";

export async function submit(
  config: SubmitConfig,
  shell: Shell,
  withSession: WithSession,
  isTyped: IsTyped,
): Promise<ExitCode> {
  const request = withFlags(await readRequest(config, shell), config);
  const sign = await signer(config.key, { config, isTyped, nowMs: shell.now() });
  return withSession((session) => submitRequest({ request, sign, config }, session));
}

async function readRequest(config: SubmitConfig, shell: Shell): Promise<JobRequest> {
  if (config.file === undefined) return { runner: "", payload: config.eval ?? "" };
  const text = await readSource(config.file, shell);
  return looksLikeJob(config.file, text)
    ? requestOf(parseJob(config.file, text))
    : { runner: "", payload: text };
}
