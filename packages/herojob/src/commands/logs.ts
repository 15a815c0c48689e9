/** `logs`: what a job has written so far, or with -f until its end. */
import { isFinal } from "@herorunner/job";
import type { AwaitConfig } from "../common-options.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { LiveOutput } from "../live-output.ts";
import type { OneJobConfig } from "../options.ts";
import { patiently } from "../patience.ts";
import { locatorOf, type Session } from "../session.ts";
import { jsonLine } from "../visible.ts";

/** With --json: the answer of `job.logs`; with -f as well, one entry per line as it comes. */
export async function logs(
  config: OneJobConfig & AwaitConfig & { readonly follow: boolean },
  { api, shell }: Session,
): Promise<ExitCode> {
  const { id, runner, status } = await api.get(config.id, locatorOf(config));
  const left = new AbortController();
  const unlisten = shell.onInterrupt(() => left.abort());
  const live = new LiveOutput(shell, config.raw);
  const entries: unknown[] = [];
  let lastSeq = 0;
  try {
    await patiently(
      async () => {
        const options = { runner, afterSeq: lastSeq, follow: config.follow, signal: left.signal };
        for await (const line of api.logs(id, options)) {
          const { seq, stream, offset, data, timeMs: time } = line;
          lastSeq = seq;
          const entry = { seq, stream, offset, data, time };
          if (!config.json) await live.show(line);
          else if (config.follow) await shell.stdout.write(jsonLine(entry));
          else entries.push(entry);
        }
      },
      { signal: left.signal, onAway: (why) => live.note(`${why}; trying again`) },
    );
  } catch (error) {
    if (!left.signal.aborted) throw error;
    return exitCodes.interrupted;
  } finally {
    unlisten();
    await live.endLine();
  }
  if (config.json && !config.follow) {
    await shell.stdout.write(jsonLine({ entries, next: lastSeq, final: isFinal(status) }));
  }
  return exitCodes.done;
}
