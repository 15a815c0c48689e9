/**
 * Honest and hostile jobs side by side at one executor, by seed. Each honest one has an exit code and output of its own, and must
 * come back with just these; of the hostile ones nothing may be left. What went wrong is told in words.
 */
import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ChildExecutor,
  type Command,
  createChildExecutor,
  createExecutor,
  createSpawnServerLauncher,
  type Execution,
  type IsolationLevel,
  type SpawnServerLauncher,
  type WarmTemplate,
} from "@herorunner/runner";
import { type Random, seeded } from "../chaos/random.ts";
import { badChild, commandOf, leavers, newTag, shell, stayers, vanishers } from "./bad-child.ts";
import { until } from "./until.ts";

export interface MixOptions {
  readonly seed: number;
  readonly level: IsolationLevel;
  readonly launcher: "native" | "python" | "plain";
  readonly forMs: number;
  /** How many jobs run at once, and for how many there are servers. */
  readonly lanes: number;
  readonly servers: number;
  /** Some of the servers are killed or stopped meanwhile; then jobs may say so. */
  readonly losesServers: boolean;
}

interface Honest {
  readonly code: number;
  readonly script: string;
  readonly stdin: string;
  readonly stdout: string;
}

/** Their helpers hold on to the fence for the whole grace while the server is idle already. */
const lingering = ["hangs-with-session", "ignores-term-helper", "hangs-with-stopped"] as const;

/** Resolves when everything was closed. */
export async function runMix(options: MixOptions): Promise<{ jobs: number; problems: readonly string[] }> {
  // The first executor of a process also opens what stays with the process.
  await createChildExecutor().close();
  const descriptors = countDescriptors();
  const mix = new Mix(options);
  await mix.run();
  await until(() => countDescriptors() <= descriptors, "no descriptor is left");
  return mix;
}

class Mix {
  jobs = 0;
  readonly problems: string[] = [];
  readonly #options: MixOptions;
  readonly #random: Random;
  readonly #template: WarmTemplate = { ...commandOf("/bin/sh", ["-s"]), cwd: "/" };
  #launcher: SpawnServerLauncher | undefined;
  #isOver = false;

  constructor(options: MixOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
  }

  async run(): Promise<void> {
    const { level, launcher, lanes, servers, forMs, losesServers } = this.#options;
    let group: string | undefined;
    const executor = await createExecutor({
      isolation: level,
      ...(launcher !== "plain" && {
        makeLauncher: (fences) => {
          group = fences?.cgroup;
          const setting = { concurrency: servers, prepared: 1, programs: [launcher] };
          return (this.#launcher = createSpawnServerLauncher({ ...setting, ...(fences && { fences }) }));
        },
      }),
    });
    await this.#launcher?.ready;
    executor.keepWarm(this.#template, 1);
    const all = Array.from({ length: lanes }, async () => {
      while (!this.#isOver)
        await (this.#random.chance(0.6) ? this.#honest(executor) : this.#hostile(executor));
    });
    const nemesis = losesServers ? this.#endServers() : undefined;
    await sleep(forMs);
    // Some jobs still run: it is closed in the middle of them.
    this.#isOver = true;
    await executor.close();
    await Promise.all([...all, nemesis]);
    for (const pid of this.#launcher?.serverPids ?? []) this.problems.push(`server ${pid} is left`);
    if (group !== undefined && existsSync(group)) this.problems.push(`${group} is left`);
  }

  async #honest(executor: ChildExecutor): Promise<void> {
    const random = this.#random;
    const tag = newTag();
    const job = honestJob(random, tag);
    const isWarm = job.stdin === "" && random.chance(0.3);
    const command: Command = isWarm
      ? { ...shell(job.script), warm: { template: this.#template, input: `${job.script}\n` } }
      : shell(job.script, { stdin: job.stdin });
    const stop = random.chance(0.1) ? AbortSignal.timeout(random.whole(1, 60)) : new AbortController().signal;
    const execution = await executor.run({ ...command, timeoutMs: 60_000 }, stop);
    this.jobs += 1;
    const { ending, output, facts } = execution;
    if ((stop.aborted || this.#isOver) && isWhatAbortMakes(execution, job)) return;
    if (this.#options.losesServers && isWhatLossMakes(execution)) return;
    const isRight = ending.kind === "exited" && ending.code === job.code && output.stdout === job.stdout;
    if (isRight && facts.kill === undefined && facts.reaped === undefined) return;
    const told = JSON.stringify({ ending, facts, stdout: output.stdout, stderr: output.stderr });
    this.problems.push(`honest ${isWarm ? "warm " : ""}${JSON.stringify(job.script)}: ${told.slice(0, 600)}`);
  }

  async #hostile(executor: ChildExecutor): Promise<void> {
    const random = this.#random;
    const { level, losesServers } = this.#options;
    const all = [...leavers, ...stayers, ...(level === "group" ? [] : vanishers)];
    const behaviour = random.chance(0.7) ? random.pick(lingering) : random.pick(all);
    const afterMs = random.whole(20, 120);
    const byTimeout = random.chance(0.3);
    const child = badChild(behaviour, {
      killGraceMs: random.whole(20, 100),
      timeoutMs: byTimeout ? afterMs : 60_000,
    });
    const stop = byTimeout ? new AbortController().signal : AbortSignal.timeout(afterMs);
    const { ending, facts } = await executor.run(child.command, stop);
    this.jobs += 1;
    const left = child.left();
    for (const pid of left) process.kill(pid, "SIGKILL");
    const told = `${behaviour}: ${JSON.stringify({ ending, facts })}`;
    if (left.length > 0) this.problems.push(`${left.length} left of ${told}`);
    if (ending.kind === "not_started" && !losesServers) this.problems.push(`not started ${told}`);
    if (facts.kill !== undefined && facts.kill.survivors.length > 0)
      this.problems.push(`survivors of ${told}`);
  }

  async #endServers(): Promise<void> {
    while (!this.#isOver) {
      await sleep(this.#random.whole(20, 200));
      const pids = this.#launcher?.serverPids ?? [];
      if (pids.length === 0) continue;
      try {
        process.kill(this.#random.pick(pids), this.#random.chance(0.7) ? "SIGKILL" : "SIGSTOP");
      } catch {
        // It was ended already.
      }
    }
  }
}

function honestJob(random: Random, tag: string): Honest {
  const code = random.whole(0, 99);
  const lines = `${tag}\n`.repeat(random.whole(1, 20_000));
  const job = (script: string, stdout: string, stdin = ""): Honest => ({
    ...{ script: `${script}exit ${code}`, stdout, stdin, code },
  });
  return random.pick([
    () => job("", ""),
    () => job(`echo ${tag}; `, `${tag}\n`),
    () => job(`sleep 0.0${random.whole(1, 9)}; echo ${tag}; `, `${tag}\n`),
    () => job(`(sleep 0.02; echo of-${tag}) & wait; echo ${tag}; `, `of-${tag}\n${tag}\n`),
    () => job(`setsid -w sh -c 'sleep 0.01; echo ${tag}'; `, `${tag}\n`),
    () => job("cat; ", lines, lines),
    () => job("read -r first; sleep 0.02; echo $first; ", `${tag}\n`, lines),
  ])();
}

function isWhatAbortMakes({ ending, output }: Execution, job: Honest): boolean {
  return ending.kind === "aborted" && job.stdout.startsWith(output.stdout);
}

function isWhatLossMakes({ ending }: Execution): boolean {
  if (ending.kind === "signalled") return ending.signal === "SIGKILL";
  return ending.kind === "not_started" && ending.code === "EPIPE";
}

function countDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
