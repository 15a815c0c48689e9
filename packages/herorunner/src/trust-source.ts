/** The trust that admission asks: read at start, read again on SIGHUP; a bad reload keeps the old one. */
import { readFileSync } from "node:fs";
import type { Logger } from "@herorunner/daemon";
import { isLoopbackTarget, type RedisTarget } from "@herorunner/job";
import {
  createTrust,
  type ListedActions,
  parseTrustFile,
  type SignatureMode,
  type Trust,
  type TrustFile,
  trustWarnings,
} from "@herorunner/job/trust";
import type { RunConfig } from "./options.ts";
import { StartRefused } from "./start-refused.ts";

export interface TrustSource {
  current(): Trust;
  /** What became of the file, for whoever watches. */
  state(): TrustState;
  /** Reads the file again. Logs what came of it; never throws. */
  reload(): void;
}

export interface TrustState {
  readonly reloads: { readonly ok: number; readonly failed: number };
  /** Wall clock, ms; undefined before the first reload. */
  readonly reloadedAtMs: number | undefined;
  /** Why the last reload failed; an old file is in force then. */
  readonly problem: string | undefined;
  /** Of the file in force; undefined where no signatures are checked. */
  readonly signers: TrustFile["signers"] | undefined;
}

export interface TrustSourceOptions {
  readonly config: RunConfig;
  readonly target: RedisTarget;
  /** The mode was chosen by the operator and not by default. */
  readonly modeWasChosen: boolean;
  readonly logger: Logger;
  readonly listActions: (payload: string) => ListedActions;
}

export function signatureModeOf({
  signatures,
  trust,
}: Pick<RunConfig, "signatures" | "trust">): SignatureMode {
  return signatures ?? (trust === undefined ? "off" : "required");
}

/** Throws StartRefused when the runner must not start like this. */
export function openTrust(options: TrustSourceOptions): TrustSource {
  const { config, logger } = options;
  const mode = signatureModeOf(config);
  if (mode === "off") refuseOpenDoor(options);
  let { trust, signers } = read(options, mode);
  const reloads = { ok: 0, failed: 0 };
  let reloadedAtMs: number | undefined;
  let problem: string | undefined;
  return {
    current: () => trust,
    state: () => ({ reloads, reloadedAtMs, problem, signers }),
    reload: () => {
      if (config.trust === undefined) return logger.info({}, "nothing to reload: there is no trust file");
      reloadedAtMs = Date.now();
      try {
        ({ trust, signers } = read(options, mode));
        reloads.ok += 1;
        problem = undefined;
        logger.info({ file: config.trust }, "trust file read again");
      } catch (error) {
        if (!(error instanceof StartRefused)) throw error;
        reloads.failed += 1;
        problem = error.message;
        logger.error({ error: error.message }, "the trust file is not usable; the old one stays in force");
      }
    },
  };
}

/** Without signatures, whoever can write to Redis runs programs here. On loopback that is this machine anyway. */
function refuseOpenDoor({ target, modeWasChosen }: TrustSourceOptions): void {
  if (isLoopbackTarget(target) || modeWasChosen) return;
  throw new StartRefused(
    `Redis at ${target.shown} is reachable by others, and without signatures whoever can write to it runs programs here. ` +
      "Name a trust file with --trust FILE, or accept that with --signatures off.",
  );
}

interface ReadTrust {
  readonly trust: Trust;
  readonly signers?: TrustFile["signers"];
}

function read({ config, logger, listActions }: TrustSourceOptions, mode: SignatureMode): ReadTrust {
  const options = {
    mode,
    runner: config.runnerId,
    acceptV1: config.acceptV1,
    listActions,
    ...(config.audience === undefined ? {} : { audience: config.audience }),
  };
  if (config.trust === undefined || mode === "off") return { trust: createTrust(options) };
  const parsed = parseTrustFile(readTrustText(config.trust));
  if (!parsed.ok) {
    throw new StartRefused(
      `the trust file ${config.trust} is not usable:\n  ${parsed.problems.join("\n  ")}`,
    );
  }
  for (const warning of trustWarnings(parsed.trust, Date.now() / 1000))
    logger.error({ file: config.trust }, warning);
  return { trust: createTrust({ ...options, file: parsed.trust }), signers: parsed.trust.signers };
}

function readTrustText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartRefused(
      `the trust file ${file} cannot be read: ${why}; name another one with --trust FILE`,
    );
  }
}
