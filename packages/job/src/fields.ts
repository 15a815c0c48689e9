/** The wire names of a job hash: who writes which, and the shape of each. docs/protocol.md is generated against these lists by a test. */

export const clientFields = [
  "payload",
  "id",
  "caller_id",
  "context_id",
  "runner",
  "executor",
  "timeout",
  "env_vars",
  "max_attempts",
  "trace",
  "created_at",
  "expires_at",
  "audience",
  "nonce",
  "signatures",
] as const;

export const systemFields = [
  "status",
  "reason",
  "result",
  "stderr",
  "error",
  "exit_code",
  "signal",
  "attempt",
  "claims",
  "owner",
  "token",
  "done_token",
  "finals",
  "queued_at",
  "dispatched_at",
  "started_at",
  "finished_at",
  "duration_ms",
  "stdout_bytes",
  "stderr_bytes",
  "dropped_bytes",
  "stdout_sha256",
  "stderr_sha256",
  "masked",
  "reaped",
  "isolation",
  "signers",
  "kill",
  "receipt",
  "cancel",
] as const;

/** Timeouts, in seconds: 1 s to a week. Node's timers fire at once above 24.8 days, so the bound is also a safety. */
export const timeoutSecondsRange = { low: 1, high: 604_800 } as const;
export const maxAttemptsRange = { low: 1, high: 10 } as const;

export const executorPattern = /^[A-Za-z0-9._-]{0,64}$/;
export const noncePattern = /^[0-9a-f]{32}$/;
export const tracePattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
export const maxSignatures = 16;

/** What POSIX allows as a name, at most 128 bytes. */
export const envNamePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Below the kernel's own limits (128 KiB for one variable with its name, a quarter of the stack for all), so that every host agrees. */
export const envLimits = { count: 1_000, bytesEach: 128_000, bytesTotal: 1_000_000 } as const;

/** The first rule that the variables break, as a sentence, or undefined. */
export function envProblem(
  envVars: ReadonlyMap<string, string>,
): { name: string; problem: string } | undefined {
  if (envVars.size > envLimits.count) {
    return { name: "", problem: `holds ${envVars.size} variables; at most ${envLimits.count} are allowed` };
  }
  let total = 0;
  for (const [name, value] of envVars) {
    const shown = JSON.stringify(name.slice(0, 128));
    if (!envNamePattern.test(name))
      return { name, problem: `name ${shown} does not match ${envNamePattern.source}` };
    if (value.includes("\0")) return { name, problem: `value of ${shown} holds a NUL byte` };
    const bytes = name.length + 1 + Buffer.byteLength(value);
    if (bytes > envLimits.bytesEach) {
      return {
        name,
        problem: `variable ${shown} has ${bytes} bytes; at most ${envLimits.bytesEach} are allowed`,
      };
    }
    total += bytes;
  }
  if (total > envLimits.bytesTotal) {
    return { name: "", problem: `has ${total} bytes in all; at most ${envLimits.bytesTotal} are allowed` };
  }
  return undefined;
}
