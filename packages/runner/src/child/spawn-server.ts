/**
 * A small process that makes others for us. To start a process from a small one costs a fraction of what it costs from
 * the runner, whose page tables would be copied each time, and does not hold the event loop meanwhile.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { Exit } from "./launcher.ts";
import { spawnServerProgram } from "./spawn-server-program.ts";

/** Where Python is looked for: not on PATH, where a wrapper may stand that costs more than it saves. */
const interpreters = ["/usr/bin/python3", "/usr/local/bin/python3", "/usr/libexec/platform-python"];
const readyWithinMs = 5_000;

export interface SpawnRequest {
  /** Opened as standard input, output and error. */
  readonly streams: readonly [string, string, string];
  readonly cwd: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

export interface SpawnedProcess {
  readonly pid: number;
  /** `undefined`: the server was ended, and nobody can say any more. */
  readonly exit: Promise<Exit | undefined>;
}

/** The errno word, or `undefined` when the server was ended before it answered. */
export type SpawnAnswer =
  { readonly ok: true; readonly process: SpawnedProcess } | { readonly ok: false; readonly code?: string };

interface Pending {
  readonly answer: (answer: SpawnAnswer) => void;
  readonly onStarted: (pid: number) => void;
  end: ((exit: Exit | undefined) => void) | undefined;
}

export class SpawnServer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #pending = new Map<number, Pending>();
  readonly #gone: Promise<void>;
  #lastRequest = 0;
  #unread = "";
  #lost = false;
  #onReady: (ready: boolean) => void = () => undefined;

  private constructor(file: string) {
    // Away from the group of the runner, so that Ctrl-C does not end it before the jobs. Its environment is not empty:
    // until a new process has become the job it shows that of the server, and without any it could be anybody.
    this.#child = spawn(file, ["-I", "-S", "-c", spawnServerProgram, "herorunner-spawn-server"], {
      cwd: "/",
      env: { HERORUNNER: "spawn server" },
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    });
    this.#gone = new Promise((resolve) => {
      const lose = (): void => {
        this.#lose();
        resolve();
      };
      this.#child.once("error", lose);
      this.#child.once("exit", lose);
    });
    this.#child.stdin.on("error", () => undefined);
    this.#child.stdout.on("error", () => undefined);
    this.#child.stdout.setEncoding("latin1").on("data", (text: string) => this.#hear(text));
  }

  /** Resolves with undefined where there is no usable Python. The caller closes it. */
  static async start(): Promise<SpawnServer | undefined> {
    const file = interpreters.find((path) => existsSync(path));
    if (file === undefined) return undefined;
    const server = new SpawnServer(file);
    const ready = await server.#ready();
    server.#hold(false);
    if (ready) return server;
    await server.close();
    return undefined;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isLost(): boolean {
    return this.#lost;
  }

  /** `onStarted` is called before anything else can be. Never rejects. */
  spawn(request: SpawnRequest, onStarted: (pid: number) => void): Promise<SpawnAnswer> {
    if (this.#lost) return Promise.resolve({ ok: false });
    const number = (this.#lastRequest += 1);
    if (this.#pending.size === 0) this.#hold(true);
    return new Promise((answer) => {
      this.#pending.set(number, { answer, onStarted, end: undefined });
      this.#child.stdin.write(frameOf(number, request));
    });
  }

  /** Ends it by force; what it has started stays. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async close(): Promise<void> {
    if (this.#lost) return;
    this.#child.ref();
    this.#child.stdin.end();
    const force = setTimeout(() => this.kill(), 1_000);
    await this.#gone;
    clearTimeout(force);
  }

  #ready(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), readyWithinMs);
      this.#onReady = (ready) => {
        clearTimeout(timer);
        resolve(ready);
      };
    });
  }

  #hear(text: string): void {
    const lines = (this.#unread + text).split("\n");
    this.#unread = lines.pop() ?? "";
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    const [word, request = "", value = ""] = line.split(" ");
    if (word === "ready") return this.#onReady(true);
    const number = Number(request);
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    if (word === "started") {
      const pid = Number(value);
      pending.onStarted(pid);
      const exit = new Promise<Exit | undefined>((resolve) => (pending.end = resolve));
      return pending.answer({ ok: true, process: { pid, exit } });
    }
    this.#forget(number);
    if (word === "ended") return pending.end?.(exitOf(Number(value)));
    pending.answer({ ok: false, code: errnoWords.get(Number(value)) ?? `E${value}` });
  }

  #forget(number: number): void {
    this.#pending.delete(number);
    if (this.#pending.size === 0) this.#hold(false);
  }

  #lose(): void {
    this.#lost = true;
    this.#onReady(false);
    for (const { answer, end } of this.#pending.values()) {
      if (end === undefined) answer({ ok: false });
      else end(undefined);
    }
    this.#pending.clear();
  }

  /** Only while it has something to tell may the server keep the program from ending. */
  #hold(hold: boolean): void {
    // The pipes of spawn are Sockets, typed by what they are read or written as.
    const parts = [this.#child, this.#child.stdin, this.#child.stdout] as unknown as {
      ref(): void;
      unref(): void;
    }[];
    for (const part of parts) {
      if (hold) part.ref();
      else part.unref();
    }
  }
}

function frameOf(number: number, { streams, cwd, file, args, env }: SpawnRequest): string {
  const fields = [String(number), ...streams, cwd, file, String(args.length), ...args];
  for (const [name, value] of env) fields.push(`${name}=${value}`);
  const body = `${fields.join("\0")}\0`;
  return `${String(Buffer.byteLength(body)).padStart(10, "0")}${body}`;
}

/** As waitpid tells it: the signal in the low seven bits, else the exit code above the lowest byte. */
function exitOf(status: number): Exit {
  const signal = signalNames.get(status & 0x7f);
  return signal === undefined ? { kind: "exited", code: status >> 8 } : { kind: "signalled", signal };
}

const signalNames: ReadonlyMap<number, NodeJS.Signals> = new Map(
  // The keys of os.constants.signals are the names, by its type only strings. SIGABRT, not SIGIOT: the first counts.
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
);

const errnoWords: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .toReversed()
    .map(([word, number]) => [number, word]),
);
