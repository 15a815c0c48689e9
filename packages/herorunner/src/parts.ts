/** What a start needs before anything is opened: read, checked, and refused with a sentence where it cannot work. */
import { mkdirSync, readFileSync } from "node:fs";
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
  /** For what must survive the process; one folder per runner id. */
  readonly stateFolder: string;
}

/** Throws StartRefused. `modeWasChosen`: `--signatures` was said, not defaulted. */
export function openParts(config: RunConfig, modeWasChosen: boolean, logger: RootLogger): Parts {
  const target = parseRedisUrl(config.redisUrl);
  const allowed = parseAllowedNames(config.envAllow);
  if (!allowed.ok) throw new StartRefused(`--env-allow: ${allowed.message}`);
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
      allow: allowed.names,
    },
    stateFolder: openStateFolder(config),
  };
}

/** Made for this user alone. Throws StartRefused when it cannot be. */
function openStateFolder(config: RunConfig): string {
  const root = process.getuid?.() === 0;
  const state = process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state");
  const base = config.stateDir ?? (root ? "/var/lib/herorunner" : join(state, "herorunner"));
  try {
    const folder = join(base, config.runnerId);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartRefused(
      `the state folder ${base} cannot be made: ${why}; name another one with --state-dir`,
    );
  }
}

function readText(file: string, flag: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new StartRefused(
      `${flag} ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
