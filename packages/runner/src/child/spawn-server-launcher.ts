/**
 * Launches through a spawn server, and with plain spawn while there is none. It keeps every promise of the port: a
 * session for each job, real pipes, exit codes and signals as the kernel tells them, no descriptor but the three.
 */
import { closeSync } from "node:fs";
import type { Exit, LaunchedProcess, Launcher, LaunchRequest, LaunchResult } from "./launcher.ts";
import { openInput } from "./nameless-file.ts";
import { type OutputPipe, OutputPipes } from "./output-pipes.ts";
import { readOutput } from "./output-stream.ts";
import { createPlainLauncher } from "./plain-launcher.ts";
import { holdsEntry, listPids, readEnvironment } from "./proc.ts";
import { signalGroup, signalProcess } from "./signals.ts";
import { type SpawnedProcess, SpawnServer } from "./spawn-server.ts";

export interface SpawnServerLauncherOptions {
  /** A server that takes longer to start a job was stopped, or worse, and is given up. Default 10 000. */
  readonly answerWithinMs?: number;
}

export interface SpawnServerLauncher extends Launcher {
  /** Resolves when it is known whether the server can be had; launches before that are plain. */
  readonly ready: Promise<boolean>;
  /** The process of the server, where there is one. */
  readonly serverPid: number | undefined;
}

/** Starts its server in the background. The caller closes it. */
export function createSpawnServerLauncher(options: SpawnServerLauncherOptions = {}): SpawnServerLauncher {
  return new ThroughServer(options.answerWithinMs ?? 10_000);
}

class ThroughServer implements SpawnServerLauncher {
  readonly #pipes = new OutputPipes();
  readonly #plain = createPlainLauncher();
  readonly ready: Promise<boolean>;
  #server: SpawnServer | undefined;
  #starting: Promise<void> | undefined;
  #closed = false;
  readonly #answerWithinMs: number;

  constructor(answerWithinMs: number) {
    this.#answerWithinMs = answerWithinMs;
    this.#start();
    this.ready = (this.#starting ?? Promise.resolve()).then(() => this.#server !== undefined);
  }

  get serverPid(): number | undefined {
    return this.#server?.isLost === false ? this.#server.pid : undefined;
  }

  async launch(request: LaunchRequest): Promise<LaunchResult> {
    const server = this.#server;
    if (server === undefined || server.isLost) {
      // Somebody ended it. The next one is for the jobs to come.
      if (server !== undefined) this.#start();
      return this.#plain.launch(request);
    }
    if (holdsNul(request)) {
      return { ok: false, code: "ERR_INVALID_ARG_VALUE", message: "an argument holds a NUL character" };
    }
    const pair = await this.#pipes.take(2).catch((error: unknown) => failure(error));
    if ("ok" in pair) return pair;
    const [out, err] = pair;
    if (out === undefined || err === undefined) return failure(new Error("no pipes for its output"));
    const patience = setTimeout(() => server.kill(), this.#answerWithinMs);
    return launchThrough(server, request, [out, err])
      .catch((error: unknown) => failure(error))
      .finally(() => clearTimeout(patience));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#starting;
    await Promise.all([this.#server?.close(), this.#pipes.close(), this.#plain.close()]);
  }

  #start(): void {
    if (this.#closed) return;
    this.#starting ??= SpawnServer.start()
      .then((server) => void (this.#server = server))
      .finally(() => (this.#starting = undefined));
  }
}

async function launchThrough(
  server: SpawnServer,
  request: LaunchRequest,
  [out, err]: readonly [OutputPipe, OutputPipe],
): Promise<LaunchResult> {
  const open = new Set([out.readEnd, err.readEnd, out.writeEnd, err.writeEnd]);
  try {
    const input = openInput(request.stdin);
    open.add(input);
    const { file, args, env, cwd } = request;
    const streams = [pathOf(input), pathOf(out.writeEnd), pathOf(err.writeEnd)] as const;
    const answer = await server.spawn({ streams, cwd, file, args, env }, request.onStarted);
    if (!answer.ok) {
      if (answer.code === undefined) killUnanswered(env);
      const code = answer.code ?? "EPIPE";
      return { ok: false, code, message: answer.code ?? "the process that starts jobs was ended" };
    }
    const streamsRead = [
      readOutput(out.readEnd, (bytes) => request.onBytes("out", bytes)),
      readOutput(err.readEnd, (bytes) => request.onBytes("err", bytes)),
    ];
    open.delete(out.readEnd);
    open.delete(err.readEnd);
    return { ok: true, process: launched(answer.process, streamsRead) };
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

function launched(
  { pid, exit }: SpawnedProcess,
  streams: readonly ReturnType<typeof readOutput>[],
): LaunchedProcess {
  return {
    pid,
    exit: exit.then((known) => known ?? endUnwatched(pid)),
    outputEnded: Promise.all(streams.map((stream) => stream.ended)).then(() => undefined),
    releaseOutput: () => streams.forEach((stream) => stream.release()),
  };
}

/** Nobody waits for it any more, so how it ends will not be known: it is made to end in a known way. */
function endUnwatched(pid: number): Exit {
  signalGroup(pid, "SIGKILL");
  return { kind: "signalled", signal: "SIGKILL" };
}

/** The server may have started the job and been ended before it said so. The job's environment tells it from all others. */
function killUnanswered(env: ReadonlyMap<string, string>): void {
  const [name, value] = [...env].at(-1) ?? [];
  if (name === undefined) return;
  for (const pid of listPids()) {
    const environment = readEnvironment(pid);
    if (environment !== undefined && holdsEntry(environment, `${name}=${value}`))
      signalProcess(pid, "SIGKILL");
  }
}

/** As the server reaches a descriptor of ours. */
function pathOf(fd: number): string {
  return `/proc/${process.pid}/fd/${fd}`;
}

function holdsNul({ file, args, env, cwd }: LaunchRequest): boolean {
  const hasNul = (text: string): boolean => text.includes("\0");
  return [file, cwd, ...args].some(hasNul) || [...env].some(([name, value]) => hasNul(name) || hasNul(value));
}

function failure(error: unknown): { ok: false; code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  return {
    ok: false,
    code: error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN",
    message,
  };
}
