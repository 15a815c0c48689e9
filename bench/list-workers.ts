/** Workers that speak herorunner's protocol or the part of it that a bare loop needs: a list of ids, a hash for each. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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
import { generateKey, type SecretKey, signJob } from "@herorunner/job/trust";
import { builtBin } from "../test/support/built.ts";
import { until } from "../test/support/until.ts";
import {
  type Batch,
  type Contender,
  type Entrant,
  payload,
  type Setting,
  startProgram,
  type StartedProgram,
} from "./contender.ts";

const bareProgram = new URL("programs/bare-worker.c", import.meta.url).pathname;
const nodeProgram = new URL("programs/node-worker.mjs", import.meta.url).pathname;

/** The floor. `folder` takes the compiled program. */
export function bareC(folder: string): Entrant {
  const built = join(folder, "bare-worker");
  execFileSync("cc", ["-O2", "-o", built, bareProgram]);
  return { name: "bare C", launch: (setting) => listWorker(setting, startProgram(built, bareArgs(setting))) };
}

export function bareNode(): Entrant {
  return {
    name: "bare Node",
    queueKey: (queue) => keysOf(queue).queue,
    launch: (setting) =>
      listWorker(setting, startProgram(process.execPath, [nodeProgram, ...bareArgs(setting)])),
  };
}

function bareArgs({ port, queue, concurrency, program }: Setting): string[] {
  return [String(port), keysOf(queue).queue.replace(/queue$/, ""), String(concurrency), program];
}

export interface HerorunnerVariant {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Jobs are signed, and the runner asks for it. */
  readonly signed?: boolean;
}

export function herorunner(variant: HerorunnerVariant): Entrant {
  return {
    name: variant.name,
    queueKey: (queue) => keysOf(queue).queue,
    launch: async (setting) => {
      const folder = mkdtempSync(join(tmpdir(), "herorunner-bench-"));
      const hero = join(folder, "hero");
      symlinkSync(setting.program, hero);
      const key = variant.signed === true ? generateKey("bench") : undefined;
      const url = `redis://127.0.0.1:${setting.port}`;
      const args = [
        ...["-r", url, "-c", String(setting.concurrency), "--hero", hero],
        ...["--state-dir", join(folder, "state"), ...(variant.args ?? [])],
      ];
      if (key !== undefined) {
        const trust = join(folder, "trust.json");
        writeFileSync(
          trust,
          JSON.stringify({ signers: [{ name: "bench", public_key: key.publicKey, callers: ["*"] }] }),
        );
        args.push("--trust", trust);
      }
      const started = startProgram(
        process.execPath,
        [builtBin("herorunner"), ...args, setting.queue],
        variant.env,
      );
      const worker = await listWorker(setting, started, key);
      const end = (): Promise<void> =>
        worker.end().finally(() => rmSync(folder, { recursive: true, force: true }));
      return { ...worker, end };
    },
  };
}

/** Waits until the worker does a job. */
async function listWorker(
  { port, queue, output }: Setting,
  started: StartedProgram,
  key?: SecretKey,
): Promise<Contender> {
  const redis = openConnection({
    ...{ target: parseRedisUrl(`redis://127.0.0.1:${port}`), routeKey: "", deadlineMs: 120_000 },
  });
  const jobs = new ListJobs(redis, { runner: queue, output, key });
  const worker: Contender = {
    pid: started.pid,
    prepare: (count) => jobs.prepare(count),
    single: () => jobs.single(),
    end: async () => {
      redis.close();
      await started.end();
    },
  };
  const first = await jobs.prepare(1);
  await first.go();
  await until(async () => (await first.finished()) === 1, "the worker does its first job", 20_000).catch(
    (error: unknown) => {
      throw new Error(`${started.said()}\n`, { cause: error });
    },
  );
  return worker;
}

class ListJobs {
  readonly #redis: RedisConnection;
  readonly #keys;
  readonly #runner: string;
  readonly #key: SecretKey | undefined;
  readonly #output: string;
  #count = 0;

  constructor(
    redis: RedisConnection,
    { runner, output, key }: { runner: string; output: string; key: SecretKey | undefined },
  ) {
    this.#redis = redis;
    this.#keys = keysOf(runner);
    this.#runner = runner;
    this.#key = key;
    this.#output = output;
  }

  async prepare(count: number): Promise<Batch> {
    const ids = await Promise.all(Array.from({ length: count }, () => this.#write()));
    const { queue, active } = this.#keys;
    return {
      go: async () => void (await this.#redis.send(["LPUSH", queue, ...ids])),
      finished: async () => {
        const [waiting, taken] = await Promise.all([
          this.#redis.send(["LLEN", queue]),
          this.#redis.send(["LLEN", active]),
        ]);
        return count - Number(waiting) - Number(taken);
      },
      check: async () => {
        const result = await this.#redis.send(["HGET", this.#keys.job(ids.at(-1) ?? ""), "result"]);
        if (String(result) !== this.#output) throw new Error(`a job came to ${String(result)}`);
        await this.#redis.send([
          "UNLINK",
          ...ids.flatMap((id) => [this.#keys.job(id), this.#keys.reply(id)]),
        ]);
      },
    };
  }

  async single(): Promise<number> {
    const id = await this.#write();
    const startedMs = performance.now();
    await this.#redis.send(["LPUSH", this.#keys.queue, id]);
    await this.#redis.send(["BRPOP", this.#keys.reply(id), "30"]);
    return performance.now() - startedMs;
  }

  async #write(): Promise<string> {
    const id = `b${(this.#count += 1)}`;
    const fields = this.#key === undefined ? ["payload", payload] : await this.#signed(id, this.#key);
    await this.#redis.send(["HSET", this.#keys.job(id), ...fields]);
    return id;
  }

  async #signed(id: string, key: SecretKey): Promise<readonly string[]> {
    const job: Job = {
      ...{ id, runner: this.#runner, executor: "", callerId: "", contextId: "", payload, audience: "" },
      ...{ nonce: "", maxAttempts: 1, envVars: new Map(), signatures: [], trace: "", timeoutSeconds: 60 },
      ...{ createdAtSeconds: undefined, expiresAtSeconds: undefined },
    };
    const signed = await signJob(job, key, { nowSeconds: Date.now() / 1000 });
    return [...encodeJob(signed)].flat();
  }
}
