/** What a start needs before anything is opened: read, checked, and refused with a sentence where it cannot work. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { RootLogger } from "@herorunner/daemon";
import { parseRedisUrl, type RedisTarget } from "@herorunner/job";
import { baseEnvironment, type EnvironmentPolicy, parseAllowedNames } from "@herorunner/runner";
import { HeroLocator } from "./hero-binary.ts";
import { type Identity, ownIdentity } from "./identity.ts";
import type { RunConfig } from "./options.ts";
import { listActions } from "./script-actions.ts";
import { StartRefused } from "./start-refused.ts";
import { openTrust, type TrustSource } from "./trust-source.ts";

export interface Parts {
  readonly config: RunConfig;
  readonly target: RedisTarget;
  readonly tlsCa: string | undefined;
  readonly identity: Identity;
  readonly logger: RootLogger;
  readonly trust: TrustSource;
  readonly hero: HeroLocator;
  readonly environment: EnvironmentPolicy;
  /** For what must survive the process; one folder per runner id. Made by whoever stores something there. */
  readonly stateFolder: string;
}

/** Throws StartRefused. `modeWasChosen`: `--signatures` was said, not defaulted. */
export function openParts(config: RunConfig, modeWasChosen: boolean, logger: RootLogger): Parts {
  const target = parseRedisUrl(config.redisUrl);
  const path = config.path === undefined ? {} : { path: config.path };
  return {
    config,
    target,
    tlsCa: config.redisCa === undefined ? undefined : readText(config.redisCa, "--redis-ca"),
    identity: ownIdentity(config.hostId),
    logger,
    trust: openTrust({ config, target, modeWasChosen, logger, listActions }),
    hero: new HeroLocator(config.hero, process.env["PATH"] ?? ""),
    environment: {
      base: baseEnvironment(process.env, { ...path, pass: config.envPass }),
      allow: allowedNamesOf(config),
    },
    stateFolder: stateFolderOf(config),
  };
}

/** Throws StartRefused. */
export function allowedNamesOf({ envAllow }: RunConfig): EnvironmentPolicy["allow"] {
  const allowed = parseAllowedNames(envAllow);
  if (!allowed.ok) throw new StartRefused(`--env-allow: ${allowed.message}`);
  return allowed.names;
}

export function stateFolderOf(config: RunConfig): string {
  const root = process.getuid?.() === 0;
  const state = process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state");
  return join(config.stateDir ?? (root ? "/var/lib/herorunner" : join(state, "herorunner")), config.runnerId);
}

function readText(file: string, flag: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new StartRefused(
      `${flag} ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}; name another file`,
    );
  }
}
