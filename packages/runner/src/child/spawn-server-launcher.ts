/**
 * Launches through spawn servers, and plainly while none is free. It keeps every promise of the port: a session for each
 * job, real pipes, exit codes and signals as the kernel tells them, no descriptor but the three.
 */
import { closeSync } from "node:fs";
import { afterRunning } from "@herorunner/job";
import type { FenceMaker, StandingFence } from "./fence.ts";
import type {
  Exit,
  LaunchedProcess,
  Launcher,
  LaunchFailure,
  LaunchRequest,
  LaunchResult,
  PreparedProcess,
} from "./launcher.ts";
import { createPlainLauncher } from "./plain-launcher.ts";
import type { SpawnedEnd, SpawnedProcess, SpawnRequest, SpawnServer } from "./spawn-server.ts";
import { findSpawnServerPrograms, type SpawnServerProgram } from "./spawn-server-programs.ts";
import { openRoll, type ServerRoll, startSpawnServers } from "./spawn-server-set.ts";
import { endUnwatched } from "./unwatched.ts";

export interface SpawnServerLauncherOptions {
  /** How many jobs may run at once. Default 1. There are as many servers at most, and one for each process that waits. */
  readonly concurrency?: number;
  /** How many processes may wait for their input beside the jobs. Default 0. */
  readonly prepared?: number;
  /** What each job is put into. The caller closes them, after the launcher. */
  readonly fences?: FenceMaker | undefined;
  /** Which programs may be servers, the best first. Default: native, and python where there is none. */
  readonly programs?: readonly SpawnServerProgram["kind"][];
  /** A server that takes longer to start a job was stopped, or worse, and is given up. Default 10 000. */
  readonly answerWithinMs?: number;
}

export interface SpawnServerLauncher extends Launcher {
  /** Resolves when it is known whether servers can be had; launches before that are plain. */
  readonly ready: Promise<boolean>;
  /** What the servers are, once one has answered. */
  readonly program: SpawnServerProgram["kind"] | undefined;
  /** The processes of the servers, as far as there are any. */
  readonly serverPids: readonly number[];
  /** How many ended by themselves or were given up so far. */
  readonly serversLost: number;
}

/** How many servers are started at once: the first with the launcher, more when all are busy. */
const startedAtOnce = 4;
/** Where none could be started, no job pays for another try before this. */
const retryAfterMs = 30_000;
/** Room for those that replace others; a runner that used it up starts further jobs plainly. */
const replacements = 256;

/** Starts its servers in the background. The caller closes it. */
export function createSpawnServerLauncher(options: SpawnServerLauncherOptions = {}): SpawnServerLauncher {
  return new ThroughServers(options);
}

interface Place {
  readonly server: SpawnServer;
  /** At levels where the server stands in a fence, and the job is born there. */
  readonly standing: StandingFence | undefined;
  /**
   * From the launch of a job until it was released and the server stands in its fence again. A server is idle before that:
   * while the runner still ends what the job left in the fence, a next job in there would be ended with it.
   */
  isTaken: boolean;
}

class ThroughServers implements SpawnServerLauncher {
  readonly ready: Promise<boolean>;
  readonly #plain: Launcher;
  readonly #fences: FenceMaker | undefined;
  readonly #most: number;
  readonly #answerWithinMs: number;
  #roll: ServerRoll;
  /** Those that may be tried: all of them until the first one has answered, from then on that one. */
  #programs: readonly SpawnServerProgram[];
  #answered = false;
  #places: Place[] = [];
  #lost = 0;
  #starting: Promise<void> | undefined;
  #notBeforeMs = 0;
  #closed = false;

  constructor(options: SpawnServerLauncherOptions) {
    const { concurrency = 1, prepared = 0, fences, answerWithinMs = 10_000 } = options;
    this.#programs = findSpawnServerPrograms(options.programs ?? ["native", "python"]);
    this.#most = concurrency + prepared;
    this.#fences = fences;
    this.#answerWithinMs = answerWithinMs;
    this.#plain = createPlainLauncher(fences);
    this.#roll = openRoll(this.#most + replacements);
    this.#startMore();
    this.ready = (this.#starting ?? Promise.resolve()).then(() => this.#places.length > 0);
  }

  get program(): SpawnServerProgram["kind"] | undefined {
    return this.#answered ? this.#programs[0]?.kind : undefined;
  }

  get serverPids(): readonly number[] {
    return this.#places.filter(({ server }) => !server.isLost).map(({ server }) => server.pid);
  }

  get serversLost(): number {
    return this.#lost + this.#places.filter(({ server }) => server.isLost).length;
  }

  launch(request: LaunchRequest): Promise<LaunchResult> {
    const place = this.#freePlace();
    if (place !== undefined) return this.#through(place, request);
    this.#startMore();
    return this.#plain.launch(request);
  }

  async prepare(request: Omit<LaunchRequest, "stdin">): Promise<PreparedProcess | undefined> {
    const place = this.#freePlace();
    if (place === undefined) {
      this.#startMore();
      return undefined;
    }
    const launched = await this.#through(place, { ...request, stdin: undefined });
    return launched.ok ? launched.process : undefined;
  }

  async #through(
    place: Place,
    request: Omit<LaunchRequest, "stdin"> & Pick<SpawnRequest, "stdin">,
  ): Promise<{ readonly ok: true; readonly process: PreparedProcess } | LaunchFailure> {
    if (holdsNul(request)) {
      return { ok: false, code: "ERR_INVALID_ARG_VALUE", message: "an argument holds a NUL character" };
    }
    place.isTaken = true;
    const fence = place.standing?.fence ?? this.#fences?.make();
    const wrapped = fence?.wrap(request.file, request.args);
    const stopWaiting = afterRunning(this.#answerWithinMs, () => place.server.kill());
    const onStarted = (pid: number): void => request.onStarted(pid, fence, place.server.pid);
    const answer = await place.server.spawn({ ...request, ...wrapped, onStarted });
    stopWaiting();
    const marker = markerOf(request.env);
    if (answer.ok) return { ok: true, process: this.#launched(answer.process, place, fence, marker) };
    if (answer.code === undefined) await endUnwatched(marker, undefined, fence).catch(() => undefined);
    fence?.release();
    place.isTaken = false;
    const message = answer.code ?? "the process that starts jobs was ended";
    return { ok: false, code: answer.code ?? "EPIPE", message };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#starting;
    await Promise.all([...this.#places.map(({ server }) => server.close()), this.#plain.close()]);
    closeSync(this.#roll.file);
  }

  #launched(
    { pid, end, ended, outputEnded, feed, releaseOutput }: SpawnedProcess,
    place: Place,
    fence: LaunchedProcess["fence"],
    marker: string,
  ): PreparedProcess {
    let leftNothing = false;
    // Never rejects: the exit of a process that waits is listened to by nobody else.
    const exitOf = async (known: SpawnedEnd | undefined): Promise<Exit> => {
      if (known === undefined) {
        // Nobody waits for it any more, so how it ends will not be known: it is made to end in a known way.
        await endUnwatched(marker, pid, fence).catch(() => undefined);
        return { kind: "signalled", signal: "SIGKILL" };
      }
      ({ leftNothing } = known);
      return known.exit;
    };
    return {
      pid,
      fence,
      exit: ended.then(exitOf),
      endedCleanly: end?.leftNothing === true ? end.exit : undefined,
      leftNothing: () => leftNothing,
      outputEnded,
      feed,
      release: () => {
        releaseOutput();
        fence?.release();
        this.#giveBack(place);
      },
    };
  }

  /** The one that was used last has its memory at hand. */
  #freePlace(): Place | undefined {
    if (this.#places.some(({ server }) => server.isLost)) {
      const living = this.#places.filter(({ server }) => !server.isLost);
      this.#lost += this.#places.length - living.length;
      this.#places = living;
    }
    return this.#places.find(({ server, isTaken }) => !isTaken && server.isFree);
  }

  /** When all are busy, or some were ended by somebody. The next jobs have them. */
  #startMore(): void {
    const missing = Math.min(this.#most - this.#places.length, startedAtOnce);
    if (this.#closed || missing <= 0 || performance.now() < this.#notBeforeMs) return;
    this.#starting ??= this.#start(missing)
      .catch(() => 0) // no descriptors, no memory, no control group: jobs are started plainly meanwhile
      .then((started) => {
        if (started === 0) this.#notBeforeMs = performance.now() + retryAfterMs;
        this.#starting = undefined;
      });
  }

  /** Answers how many there are now that were not before. */
  async #start(count: number): Promise<number> {
    const servers = await this.#startServers(count);
    const entered = servers.map(async (server) => {
      const isThere = await this.#addPlace(server).catch(() => false);
      if (!isThere) await server.close();
      return isThere;
    });
    return (await Promise.all(entered)).filter(Boolean).length;
  }

  async #startServers(count: number): Promise<readonly SpawnServer[]> {
    for (const program of this.#programs) {
      const servers = await startSpawnServers(count, program, this.#roll);
      if (servers.length > 0) {
        this.#programs = [program];
        this.#answered = true;
        return servers;
      }
      if (!this.#answered) this.#newRoll(); // one that is late may still write into the old one
    }
    return [];
  }

  #newRoll(): void {
    closeSync(this.#roll.file);
    this.#roll = openRoll(this.#most + replacements);
  }

  async #addPlace(server: SpawnServer): Promise<boolean> {
    const place: Place = { server, standing: this.#fences?.makeStanding?.(), isTaken: false };
    if (!(await this.#enter(place))) return false;
    this.#places.push(place);
    return true;
  }

  /** Resolves with whether the server now stands where its jobs are to be born. */
  async #enter({ server, standing }: Place): Promise<boolean> {
    if (standing === undefined) return !server.isLost;
    const stopWaiting = afterRunning(this.#answerWithinMs, () => server.kill());
    const problem = await server.enter(standing.procs);
    stopWaiting();
    if (problem === undefined) standing.entered(server.pid);
    return problem === undefined;
  }

  /** After a job that had to be ended the server enters its fence again, or is given up where it cannot. */
  #giveBack(place: Place): void {
    const { server, standing } = place;
    if (standing?.mustEnter !== true) {
      place.isTaken = false;
      return;
    }
    server.whenIdle(() => {
      // Who could not be killed would be ended again with the next job, and be taken for what that one left.
      const entered = standing.fence.isEmpty()
        ? this.#enter(place).catch(() => false)
        : Promise.resolve(false);
      void entered.then((isInside) => {
        place.isTaken = false;
        if (!isInside) server.kill();
      });
    });
  }
}

/** The last variable tells a job from all others. */
function markerOf(env: ReadonlyMap<string, string>): string {
  return [...env].at(-1)?.join("=") ?? "";
}

function holdsNul({ file, args, env, cwd }: Omit<LaunchRequest, "stdin">): boolean {
  if (file.includes("\0") || cwd.includes("\0") || args.some((arg) => arg.includes("\0"))) return true;
  for (const [name, value] of env) if (name.includes("\0") || value.includes("\0")) return true;
  return false;
}
