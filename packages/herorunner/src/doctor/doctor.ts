/**
 * `herorunner doctor`: everything that a start with the same options would need, looked at once, each with what to do
 * about it. Takes no job and changes nothing.
 */
import { readFileSync } from "node:fs";
import type { Logger } from "@herorunner/daemon";
import { checkServer, keysOf, openConnection, parseRedisUrl, type RedisTarget } from "@herorunner/job";
import { baseEnvironment } from "@herorunner/runner";
import type { RunConfig } from "../options.ts";
import { stateFolderOf } from "../parts.ts";
import { listActions } from "../script-actions.ts";
import { StartRefused } from "../start-refused.ts";
import { openTrust, signatureModeOf } from "../trust-source.ts";
import { type Finding, findingText, fine } from "./finding.ts";
import { checkHero } from "./hero-check.ts";
import { checkIsolation, checkNode, checkStateFolder } from "./host-check.ts";
import { checkLauncher } from "./launcher-check.ts";
import { checkStart } from "./start-check.ts";
import { trySignatureCheck } from "./signature-check.ts";
import { checkTraces } from "./traces-check.ts";

export interface DoctorRequest {
  readonly config: RunConfig;
  /** `--signatures` was said, not defaulted. */
  readonly modeWasChosen: boolean;
  /** A runner id was given; else it is one that nobody uses. */
  readonly runnerWasNamed: boolean;
  readonly json: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface DoctorAnswer {
  readonly stdout: string;
  /** 0: a runner would start and could run jobs; 1: it would not. */
  readonly exitCode: 0 | 1;
}

export async function doctor(request: DoctorRequest): Promise<DoctorAnswer> {
  const findings = await examine(request);
  const exitCode = findings.some((one) => one.ok === false && one.severity === "refuse") ? 1 : 0;
  const stdout = request.json
    ? `${JSON.stringify({ ok: exitCode === 0, findings })}\n`
    : findingText(findings);
  return { stdout, exitCode };
}

async function examine(request: DoctorRequest): Promise<readonly Finding[]> {
  const { config, modeWasChosen, runnerWasNamed, env } = request;
  const target = parseRedisUrl(config.redisUrl);
  const searchPath = env["PATH"] ?? "";
  const jobPath =
    baseEnvironment(env, config.path === undefined ? {} : { path: config.path }).get("PATH") ?? "";
  return [
    checkNode(),
    checkHero({ hero: config.hero, searchPath, jobPath }),
    ...(await checkRedis(config, target)),
    ...checkTrust(config, target, modeWasChosen),
    ...(signatureModeOf(config) === "off" ? [] : [await trySignatureCheck(config.signatureCheck)]),
    checkStateFolder(stateFolderOf(config)),
    ...(await checkStart(config, runnerWasNamed)),
    ...(await checkIsolation(config.isolation)),
    await checkLauncher(config),
    ...(await checkTraces({ endpoint: config.otlpEndpoint, env })),
  ];
}

async function checkRedis(config: RunConfig, target: RedisTarget): Promise<readonly Finding[]> {
  const keys = keysOf(config.runnerId, config.keyPrefix);
  let tls: { readonly tlsCa?: string } = {};
  if (config.redisCa !== undefined) {
    try {
      tls = { tlsCa: readFileSync(config.redisCa, "utf8") };
    } catch {
      const sentence = `--redis-ca ${config.redisCa} cannot be read`;
      return [
        {
          name: "redis",
          ok: false,
          severity: "refuse",
          sentence,
          fix: "name a PEM file that this user may read",
        },
      ];
    }
  }
  const redis = openConnection({ target, routeKey: keys.queue, ...tls });
  try {
    const findings = await checkServer(redis, keys);
    const [first] = findings;
    // What a running daemon waits for is for the doctor a reason not to be content.
    if (findings.length === 1 && first !== undefined)
      return [{ ...first, name: "redis", severity: "refuse" }];
    const named = findings.map((one) => ({ ...one, name: `redis ${one.name}` }));
    return named.map((one) => (one.name === "redis reachable" ? fine("redis", target.shown) : one));
  } finally {
    redis.close();
  }
}

function checkTrust(config: RunConfig, target: RedisTarget, modeWasChosen: boolean): readonly Finding[] {
  const warnings: string[] = [];
  const listen = (_fields: unknown, message: string): void => void warnings.push(message);
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    error: listen,
    child: () => logger,
  };
  try {
    const { mode } = openTrust({ config, target, modeWasChosen, logger, listActions }).current();
    const told: Finding[] = warnings.map((sentence) => {
      const fix = `edit ${config.trust ?? "the trust file"}, then send SIGHUP to the runner`;
      return { name: "trust file", ok: false, severity: "warn", sentence, fix };
    });
    if (mode === "required") return [fine("signatures", "required"), ...told];
    const sentence =
      mode === "off"
        ? "off: whoever can write to Redis runs programs as this user"
        : "warn: unsigned jobs run";
    const fix = "name the people who may sign jobs with --trust FILE (docs/security.md)";
    return [{ name: "signatures", ok: false, severity: "warn", sentence, fix }, ...told];
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    const fix =
      config.trust === undefined
        ? "make a trust file as docs/security.md shows, and name it with --trust FILE"
        : "mend the trust file, or see docs/security.md for what it may hold";
    return [{ name: "signatures", ok: false, severity: "refuse", sentence: error.message, fix }];
  }
}
