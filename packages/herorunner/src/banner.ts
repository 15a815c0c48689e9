/** What an operator must know about a start, in a handful of lines. */
import type { Logger } from "@herorunner/daemon";
import type { RedisTarget } from "@herorunner/job";
import type { HeroLocator } from "./hero-binary.ts";
import type { Identity } from "./identity.ts";
import type { RunConfig } from "./options.ts";
import type { TrustSource } from "./trust-source.ts";
import { version } from "./version.ts";

export interface BannerFacts {
  readonly config: RunConfig;
  readonly target: RedisTarget;
  readonly identity: Identity;
  readonly hero: HeroLocator;
  readonly trust: TrustSource;
  readonly logger: Logger;
}

export function showBanner(
  { config, target, identity, hero, trust, logger }: BannerFacts,
  isolation: string,
): void {
  const { mode } = trust.current();
  logger.info(
    {
      ...{
        runner: config.runnerId,
        version,
        redis: target.shown,
        slots: config.concurrency,
        signatures: mode,
        isolation,
      },
      invoke: config.invoke,
      pid: identity.pid,
      node: process.version,
    },
    "herorunner starts",
  );
  const binary = hero.locate();
  if (binary.found) logger.info({ hero: binary.path }, "hero found");
  else {
    const what = binary.reason === "hero_not_found" ? "hero was not found" : "hero cannot be started";
    logger.error({}, `${what}, jobs will end as ${binary.reason}: ${binary.sentence}`);
  }
  if (mode === "off") {
    logger.info(
      {},
      `signatures are off: whoever can write to Redis at ${target.shown} runs programs as this user`,
    );
  }
  if (mode === "warn")
    logger.info({}, "signatures are set to warn: unsigned jobs run; this is for a roll-out only");
}
