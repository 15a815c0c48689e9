/**
 * Launches with `child_process.spawn`: always right, and as fast as the runner is small (spawn copies the page tables
 * of the whole process). Parent-death signals belong to the spawning thread, hence main thread only.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Fence, FenceMaker } from "./fence.ts";
import { openInput } from "./nameless-file.ts";
import type { Exit, Launcher, LaunchFailure, LaunchRequest, LaunchResult } from "./launcher.ts";
import { type OutputPipe, OutputPipes } from "./output-pipes.ts";
import { readOutput } from "./output-stream.ts";

/** `fences`: what each process is put into, by a command around it. The caller closes them, after the launcher. */
export function createPlainLauncher(fences?: FenceMaker): Launcher {
  const pipes = new OutputPipes();
  return {
    launch: async (request) => {
      const pair = await pipes
        .take(2)
        .catch((error: unknown) => notLaunched(error, "no pipes for its output"));
      if ("ok" in pair) return pair;
      const [out, err] = pair;
      if (out === undefined || err === undefined) return notLaunched(undefined, "no pipes for its output");
      const fence = fences?.make();
      const launched = await launch(request, fence, [out, err]).catch((error: unknown) =>
        notLaunched(error, "spawn"),
      );
      if (!launched.ok) fence?.release();
      return launched;
    },
    close: () => pipes.close(),
  };
}

async function launch(
  request: LaunchRequest,
  fence: Fence | undefined,
  [out, err]: readonly [OutputPipe, OutputPipe],
): Promise<LaunchResult> {
  const ours = [out.readEnd, err.readEnd];
  const theirs = [out.writeEnd, err.writeEnd];
  try {
    const input = openInput(request.stdin);
    theirs.push(input);
    const { file, args } = fence?.wrap(request.file, request.args) ?? request;
    const child = spawn(file, [...args], {
      cwd: request.cwd,
      env: environmentObject(request.env),
      stdio: [input, out.writeEnd, err.writeEnd],
      detached: true,
    });
    const exit = exitOf(child);
    if (child.pid === undefined) await exit;
    else request.onStarted(child.pid, fence, process.pid);
    const streams = [
      readOutput(out.readEnd, (bytes) => request.onBytes("out", bytes)),
      readOutput(err.readEnd, (bytes) => request.onBytes("err", bytes)),
    ];
    ours.length = 0;
    return {
      ok: true,
      process: {
        pid: child.pid ?? 0,
        fence,
        exit,
        endedCleanly: undefined,
        leftNothing: () => false,
        outputEnded: Promise.all(streams.map((stream) => stream.ended)).then(() => undefined),
        release: () => {
          for (const stream of streams) stream.release();
          fence?.release();
        },
      },
    };
  } finally {
    for (const fd of [...ours, ...theirs]) closeSync(fd);
  }
}

/** Resolves at the end of the process; rejects when there never was one (half of the failures come as an event). */
function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      resolve(signal === null ? { kind: "exited", code: code ?? 0 } : { kind: "signalled", signal });
    });
  });
}

/** Without a prototype: spawn walks the prototype chain and would pass on whatever it finds there. */
function environmentObject(env: ReadonlyMap<string, string>): NodeJS.ProcessEnv {
  // Object.create answers any; a null-prototype object is what is wanted.
  const object = Object.create(null) as NodeJS.ProcessEnv;
  for (const [name, value] of env) object[name] = value;
  return object;
}

function notLaunched(error: unknown, stage: "spawn" | "no pipes for its output"): LaunchFailure {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
  if (stage === "spawn") return { ok: false, code, message };
  return { ok: false, code, message: `${stage}: ${message}` };
}
