/**
 * A real Redis, real runner processes that trust two people, and a `hero` that writes down every script it is given.
 * The attacker of these tests may send Redis any command; what counts is only what `hero` was started with.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createPrivateKey, createECDH, type KeyObject, randomBytes, sign } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  encodeJob,
  type Job,
  keysOf,
  openConnection,
  parseRedisUrl,
  type RedisConnection,
} from "@herorunner/job";
import { generateKey, jobBytes, type SecretKey } from "@herorunner/job/trust";
import { startRedis } from "../support/redis-server.ts";
import { until } from "../support/until.ts";

const runnerId = "hero1";
export const keys = keysOf(runnerId);

export interface Start {
  readonly id: string;
  /** The variable MODE as the script got it. */
  readonly mode: string;
  readonly payload: string;
  readonly pid: number;
}

export interface Battlefield {
  readonly redis: RedisConnection;
  readonly alice: Signer;
  readonly bob: Signer;
  /** Everything `hero` was ever started with. */
  starts(): Promise<readonly Start[]>;
  /** Every runner that was started, dead ones included. */
  readonly runners: readonly ChildProcess[];
  startRunner(env?: Readonly<Record<string, string>>): Promise<void>;
  /** What runners said that is no error. */
  heard(): Promise<string>;
  /** Puts another trust file in place and tells every runner. They read it a moment later. */
  reload(trustText: string): Promise<void>;
  /** SIGKILL, as a crash would. */
  kill(runner: ChildProcess): Promise<void>;
  /** Until nothing waits and nothing runs. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export async function battlefield(): Promise<Battlefield> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-attack-"));
  const server = await startRedis();
  const redis = openConnection({ target: parseRedisUrl(server.url), routeKey: keys.queue });
  const [alice, bob] = [signer("alice"), signer("bob")];
  await writeHero(folder);
  await writeFile(join(folder, "trust.json"), trustText([alice.key, bob.key]));
  const runners: ChildProcess[] = [];
  const said = async (): Promise<string> => (await readFile(join(folder, "runner.log"), "utf8")).slice(-2000);
  const startRunner = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
    const runner = launch(folder, server.url, env);
    runners.push(runner);
    let gone = false;
    runner.once("exit", () => (gone = true));
    await until(
      async () => gone || (await presentPids(redis)).includes(runner.pid ?? 0),
      "the runner is there",
    );
    if (gone) throw new Error(`the runner did not start:\n${await said()}`);
  };
  const reload = async (text: string): Promise<void> => {
    await writeFile(join(folder, "trust.json"), text);
    for (const runner of runners) runner.kill("SIGHUP");
  };
  return {
    redis,
    runners,
    reload,
    alice,
    bob,
    startRunner,
    heard: () => readFile(join(folder, "runner.out"), "utf8"),
    kill: (runner) => end(runner, "SIGKILL"),
    starts: async () => parseStarts(await readFile(join(folder, "started"), "utf8").catch(() => "")),
    settled: () =>
      until(
        async () => {
          if (runners.every((one) => one.exitCode !== null))
            throw new Error(`all runners ended:\n${await said()}`);
          return (await length(redis, keys.queue)) + (await length(redis, keys.active)) === 0;
        },
        "all jobs have ended",
        280_000,
      ),
    close: async () => {
      for (const runner of runners) await end(runner, "SIGTERM");
      redis.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A trust file that wants two of these. */
export function trustText(trusted: readonly { readonly name: string; readonly publicKey: string }[]): string {
  const signers = trusted.map(({ name, publicKey }) => ({ name, public_key: publicKey }));
  return JSON.stringify({ threshold: 2, signers });
}

/** One write per start, so that parallel starts do not mix. A script that says `linger` takes a while; `stay` stays until it is killed. */
async function writeHero(folder: string): Promise<void> {
  const script = `#!/bin/sh
body=$(cat)
printf '%s\\t%s\\t%s\\t%s\\n' "$HERO_JOB_ID" "$MODE" "$body" $$ >> ${join(folder, "started")}
case "$body" in *stay*) exec sleep 600 ;; *linger*) exec sleep 0.2 ;; esac
`;
  await writeFile(join(folder, "hero"), script, { mode: 0o755 });
}

function launch(folder: string, redisUrl: string, more: Readonly<Record<string, string>>): ChildProcess {
  const bin = new URL("../../packages/herorunner/bin/herorunner.js", import.meta.url).pathname;
  const options = [
    "--redis-url",
    redisUrl,
    "--trust",
    join(folder, "trust.json"),
    "--hero",
    join(folder, "hero"),
    "--state-dir",
    join(folder, "state"),
  ];
  const limits = ["--concurrency", "4", "--isolation", "group", "--grace", "1"];
  // Its many refusals are logged as errors; they are what these tests are about and would bury everything else.
  const [out, log] = [openSync(join(folder, "runner.out"), "a"), openSync(join(folder, "runner.log"), "a")];
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, ...more };
  const runner = spawn(process.execPath, [bin, ...options, ...limits, runnerId], {
    stdio: ["ignore", out, log],
    env,
  });
  closeSync(out);
  closeSync(log);
  return runner;
}

async function end(runner: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (runner.exitCode !== null || runner.signalCode !== null) return;
  const gone = once(runner, "exit");
  runner.kill(signal);
  await gone;
}

async function presentPids(redis: RedisConnection): Promise<readonly number[]> {
  const owners = (await redis.send(["ZRANGE", keys.instances, "0", "-1"])) as readonly Buffer[];
  const pids = owners.map((owner) => redis.send(["HGET", keys.instance(owner.toString()), "pid"]));
  return (await Promise.all(pids)).map((pid) => Number(pid ?? 0));
}

async function length(redis: RedisConnection, list: string): Promise<number> {
  return Number(await redis.send(["LLEN", list]));
}

function parseStarts(text: string): readonly Start[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [id = "", mode = "", payload = "", pid = ""] = line.split("\t");
    return { id, mode, payload, pid: Number(pid) };
  });
}

/** Signs with OpenSSL, which is several times faster than the careful signer of the product: attacks come by thousands. */
export interface Signer {
  readonly key: SecretKey;
  sign(message: Uint8Array): string;
}

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

export function signer(name: string): Signer {
  const key = generateKey(name);
  const secret = privateKeyOf(key);
  return {
    key,
    sign: (message) => {
      const raw = sign("sha256", message, { key: secret, dsaEncoding: "ieee-p1363" }).toString("hex");
      const s = BigInt(`0x${raw.slice(64)}`);
      const low = s > order / 2n ? order - s : s;
      return raw.slice(0, 64) + low.toString(16).padStart(64, "0");
    },
  };
}

function privateKeyOf({ secretKey }: SecretKey): KeyObject {
  const exchange = createECDH("secp256k1");
  exchange.setPrivateKey(secretKey, "hex");
  const point = exchange.getPublicKey();
  const part = (from: number): string => point.subarray(from, from + 32).toString("base64url");
  const d = Buffer.from(secretKey, "hex").toString("base64url");
  return createPrivateKey({
    key: { kty: "EC", crv: "secp256k1", x: part(1), y: part(33), d },
    format: "jwk",
  });
}

let jobs = 0;

export function newJob(changes: Partial<Job> = {}): Job {
  jobs += 1;
  const nowSeconds = Math.floor(Date.now() / 1000);
  return {
    id: `job-${jobs}`,
    runner: runnerId,
    callerId: "alice",
    contextId: "ctx",
    executor: "",
    payload: `good ${jobs}`,
    timeoutSeconds: 30,
    envVars: new Map([["MODE", "calm"]]),
    maxAttempts: 1,
    trace: "",
    createdAtSeconds: nowSeconds,
    expiresAtSeconds: nowSeconds + 600,
    audience: "default",
    nonce: randomBytes(16).toString("hex"),
    signatures: [],
    ...changes,
  };
}

export function signed(job: Job, signers: readonly Signer[]): Job {
  const message = jobBytes(job);
  const signatures = signers.map((one) => ({ publicKey: one.key.publicKey, signature: one.sign(message) }));
  return { ...job, signatures };
}

/** The hash of a job as its client stores it. */
export function hashOf(job: Job): Map<string, string> {
  return new Map(encodeJob(job));
}
