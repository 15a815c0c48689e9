/**
 * What the runner finds out about its Redis before it takes jobs: one that would lose them is refused, one that is away is
 * waited for, and what else is wrong is said once.
 */
import type { Logger } from "@herorunner/daemon";
import { checkServer, keysOf, openConnection, type RedisTarget, type ServerFinding } from "@herorunner/job";
import { systemClock } from "@herorunner/runner";
import { exitCodes } from "./exit-codes.ts";
import { StartRefused } from "./start-refused.ts";

export interface RedisCheckOptions {
  readonly connection: { readonly target: RedisTarget; readonly tlsCa?: string };
  readonly runnerId: string;
  readonly keyPrefix: string;
  readonly logger: Logger;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** What keeps the runner from starting; undefined when nothing does any more. */
  readonly onTrouble: (trouble: string | undefined) => void;
}

const lookEveryMs = 1_000;

/** Resolves when Redis can be used, or when `signal` aborts. Throws StartRefused when it must not be used. */
export async function awaitUsableRedis(options: RedisCheckOptions): Promise<void> {
  const { connection, logger, signal, onTrouble } = options;
  const keys = keysOf(options.runnerId, options.keyPrefix);
  const redis = openConnection({ ...connection, routeKey: keys.queue });
  let said: string | undefined;
  try {
    while (!signal.aborted) {
      const findings = await checkServer(redis, keys);
      const refused = findings.find((one) => one.ok === false && one.severity === "refuse");
      if (refused !== undefined) throw new StartRefused(sentenceOf(refused), exitCodes.refused);
      const away = findings.find((one) => one.ok === false && one.name === "reachable");
      if (away === undefined) {
        for (const finding of findings) report(finding, logger);
        onTrouble(undefined);
        logger.info({ queue: keys.queue }, "waiting for jobs");
        return;
      }
      onTrouble(away.sentence);
      if (said !== away.sentence) logger.error({}, `${sentenceOf(away)}; trying again until it answers`);
      said = away.sentence;
      await systemClock.sleep(lookEveryMs, signal);
    }
  } finally {
    redis.close();
  }
}

function report(finding: ServerFinding, logger: Logger): void {
  if (finding.ok === true) logger.debug({ check: finding.name, found: finding.sentence }, "Redis checked");
  else if (finding.ok === "unknown" || finding.severity === "note") logger.info({}, sentenceOf(finding));
  else logger.error({}, `warning: ${sentenceOf(finding)}`);
}

function sentenceOf({ sentence, fix }: ServerFinding): string {
  return fix === undefined ? sentence : `${sentence}; ${fix}`;
}
