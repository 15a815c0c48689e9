/**
 * A runner whose jobs do what their payload says, one command a line, without any process: for tests of clients.
 *
 *   print TEXT      to standard output, with a newline, live too      warn TEXT      the same to standard error
 *   wait            until somebody calls release() or the job is stopped
 *   fail CODE       ends as exit_status                                end REASON     ends as error for this reason
 *   env NAME        prints a variable of the job                       quiet TEXT     output that never shows live
 */
import {
  type ErrorOutcome,
  failed,
  isJobReason,
  type JobOutcome,
  type Output,
  parseRedisUrl,
  RedisJobQueue,
  type RedisPresence,
  type VerifiedJob,
} from "@herorunner/job";
import type { Trust } from "@herorunner/job/trust";
import { createAdmit, defineRunner, type JobContext, type RunnerHandle } from "@herorunner/runner";

export interface ScriptedRunner extends AsyncDisposable {
  readonly runnerId: string;
  /** Lets a job that waits go on, now or when it comes to it. */
  release(jobId: string): void;
  stop(): Promise<void>;
}

export interface ScriptedRunnerOptions {
  readonly url: string;
  readonly runnerId: string;
  readonly keyPrefix?: string;
  readonly trust?: () => Trust;
  readonly presence?: RedisPresence;
}

export function startScriptedRunner(options: ScriptedRunnerOptions): ScriptedRunner {
  const gates = new Gates();
  const { url, runnerId, keyPrefix, trust, presence } = options;
  const runner = defineRunner({
    runnerType: "scripted",
    runnerId,
    processJob: (job, context) => new Script(job, context, gates).run(),
  });
  const prefix = keyPrefix === undefined ? {} : { keyPrefix };
  const queue = new RedisJobQueue({ target: parseRedisUrl(url), runner: runnerId, ...prefix });
  const admit = createAdmit({ ...runner, ...(trust === undefined ? {} : { trust }) });
  const instance = {
    ...{ owner: `${runnerId}-owner`, host: "test-host", pid: process.pid, version: "0.0.0" },
    ...{ isolation: "group", signatures: "off", lastPollMs: () => 0 },
  };
  const handle: RunnerHandle = runner.spawn({
    ...{ queue, admit, concurrency: 4 },
    ...(presence === undefined ? {} : { presence, instance }),
  });
  const stop = async (): Promise<void> => {
    handle.drain();
    handle.abort();
    await handle.stopped;
    queue.close();
    presence?.close();
  };
  return { runnerId, release: (id) => gates.open(id), stop, [Symbol.asyncDispose]: stop };
}

class Gates {
  readonly #waiting = new Map<string, () => void>();
  readonly #open = new Set<string>();

  open(id: string): void {
    this.#open.add(id);
    this.#waiting.get(id)?.();
  }

  wait(id: string, signal: AbortSignal): Promise<void> {
    if (this.#open.has(id) || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}

class Script {
  readonly #job: VerifiedJob;
  readonly #context: JobContext;
  readonly #gates: Gates;
  readonly #written = { out: "", err: "" };

  constructor(job: VerifiedJob, context: JobContext, gates: Gates) {
    this.#job = job;
    this.#context = context;
    this.#gates = gates;
  }

  async run(): Promise<JobOutcome> {
    for (const line of this.#job.payload.split("\n")) {
      const [, word = "", rest = ""] = /^(\S*) ?(.*)$/.exec(line) ?? [];
      const ending = await this.#step(word, rest);
      if (ending !== undefined) return ending;
    }
    return { kind: "finished", output: this.#output(), facts: { durationMs: 12 } };
  }

  async #step(word: string, rest: string): Promise<ErrorOutcome | undefined> {
    const { signal } = this.#context;
    switch (word) {
      case "":
        return undefined;
      case "print":
        return this.#write("out", `${rest}\n`);
      case "warn":
        return this.#write("err", `${rest}\n`);
      case "quiet":
        this.#written.out += rest;
        return undefined;
      case "env":
        return this.#write("out", `${this.#job.envVars.get(rest) ?? "not set"}\n`);
      case "wait":
        await this.#gates.wait(this.#job.id, signal);
        return signal.aborted ? this.#stopped() : undefined;
      case "fail":
        return failed("exit_status", `scripted ended with exit code ${rest}`, {
          exitCode: Number(rest),
          output: this.#output(),
        });
      case "end":
        return isJobReason(rest)
          ? failed(rest, `ended as the script says`, { output: this.#output() })
          : this.#unknown(rest);
      default:
        return this.#unknown(word);
    }
  }

  #write(stream: "out" | "err", text: string): undefined {
    this.#context.log(stream, Buffer.byteLength(this.#written[stream]), text);
    this.#written[stream] += text;
    return undefined;
  }

  #stopped(): ErrorOutcome {
    const reason = this.#context.signal.reason === "cancelled" ? "cancelled" : "shutdown";
    const nowMs = Date.now();
    const found = [{ pid: 4711, ppid: 1, name: "sleep", via: "group" as const }];
    const kill = { reason, askedAtMs: nowMs, termAtMs: nowMs, goneAtMs: nowMs + 20, found, survivors: [] };
    return failed(reason, "a client asked for it", { output: this.#output(), facts: { kill } });
  }

  #unknown(word: string): ErrorOutcome {
    return failed("exit_status", `${JSON.stringify(word)} is not a command`, {
      exitCode: 2,
      output: this.#output(),
    });
  }

  #output(): Output {
    const { out, err } = this.#written;
    const [stdoutBytes, stderrBytes] = [Buffer.byteLength(out), Buffer.byteLength(err)];
    return { stdout: out, stderr: err, stdoutBytes, stderrBytes, droppedBytes: 0 };
  }
}
