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

export interface RedisCheck {
  /** Resolves when Redis can be used, or when `signal` aborts. Throws StartRefused when it must not be used. */
  usable(): Promise<void>;
  close(): void;
}

const lookEveryMs = 1_000;

/** Looks for the first time at once, so that Redis answers while the rest of the runner is opened. The caller closes it. */
export function openRedisCheck(options: RedisCheckOptions): RedisCheck {
  const keys = keysOf(options.runnerId, options.keyPrefix);
  const redis = openConnection({ ...options.connection, routeKey: keys.queue });
  const look = (): Promise<readonly ServerFinding[]> => checkServer(redis, keys);
  const first = look();
  first.catch(() => undefined); // a bug in it is thrown where it is waited for
  return {
    usable: () => awaitUsable(first, look, options).finally(() => redis.close()),
    close: () => redis.close(),
  };
}

async function awaitUsable(
  first: Promise<readonly ServerFinding[]>,
  look: () => Promise<readonly ServerFinding[]>,
  options: RedisCheckOptions,
): Promise<void> {
  const { logger, signal, onTrouble } = options;
  const { queue } = keysOf(options.runnerId, options.keyPrefix);
  let said: string | undefined;
  for (let next = first; !signal.aborted; next = look()) {
    const findings = await next;
    const refused = findings.find((one) => one.ok === false && one.severity === "refuse");
    if (refused !== undefined) throw new StartRefused(sentenceOf(refused), exitCodes.refused);
    const away = findings.find((one) => one.ok === false && one.name === "reachable");
    if (away === undefined) {
      for (const finding of findings) report(finding, logger);
      onTrouble(undefined);
      logger.info({ queue }, "waiting for jobs");
      return;
    }
    onTrouble(away.sentence);
    if (said !== away.sentence) logger.error({}, `${sentenceOf(away)}; trying again until it answers`);
    said = away.sentence;
    await systemClock.sleep(lookEveryMs, signal);
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
