/**
 * One spawn server: a small process that makes others for us, one at a time, and carries their output. To start a process from a
 * small one costs a fraction of what it costs from the runner, whose page tables would be copied each time, and does not
 * hold the event loop meanwhile. native/main.c is the other end, native/link.h has the frames.
 */
import type { Socket } from "node:net";
import { constants } from "node:os";
import type { Exit } from "./launcher.ts";

export interface SpawnRequest {
  readonly cwd: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  /** Undefined: it comes later, through `feed`, and the process waits for it. */
  readonly stdin: string | undefined;
  /** The job lasts; told before any of its output. Not told of jobs that end at once. */
  readonly onStarted: (pid: number) => void;
  /** The bytes are the caller's only during the call. */
  readonly onBytes: (stream: "out" | "err", bytes: Uint8Array) => void;
}

/** How a started job ended. */
export interface SpawnedEnd {
  readonly pid: number;
  readonly exit: Exit;
  /** The server has looked: nothing of the job can be left. False says nothing. */
  readonly leftNothing: boolean;
}

/** `ended` and `outputEnded` never reject; undefined: the server was ended, and nobody can say any more. */
export interface SpawnedProcess {
  readonly pid: number;
  readonly ended: Promise<SpawnedEnd | undefined>;
  readonly outputEnded: Promise<void>;
  /** Known already, for a job that ended before it could be announced. */
  readonly end: SpawnedEnd | undefined;
  /** Writes standard input to its end. Only for a process that was started without, and once. */
  readonly feed: (stdin: string) => void;
  /** Gives up its output: whoever still writes gets SIGPIPE. Does nothing when the job is over, whoever has the server now. */
  readonly releaseOutput: () => void;
}

/** The errno word, or `undefined` when the server was ended before it answered. */
export type SpawnAnswer =
  { readonly ok: true; readonly process: SpawnedProcess } | { readonly ok: false; readonly code?: string };

const kindsIn = { enter: 1, job: 2, release: 3, prepare: 4, feed: 5 } as const;
const kindsOut = { started: 1, out: 2, err: 3, closed: 4, ended: 5, failed: 6, idle: 7 } as const;
const prefixBytes = 5;

interface Pending {
  readonly request: SpawnRequest;
  readonly answer: (answer: SpawnAnswer) => void;
  readonly tellEnd: (end: SpawnedEnd | undefined) => void;
  readonly tellOutputEnd: () => void;
  readonly waits: Omit<SpawnedProcess, "pid" | "end">;
  announced: boolean;
  /** Its output was given up: what is still on its way is nobody's, for its job may be settled. */
  released: boolean;
}

export class SpawnServer {
  /** 0 until it has answered once. */
  pid = 0;
  readonly #link: Socket;
  readonly #gone: Promise<void>;
  #lost = false;
  #pending: Pending | undefined;
  #entering: ((errno: number | undefined) => void) | undefined;
  #whenIdle: (() => void) | undefined;
  // The frame that is being received: what came of its prefix, then what is still to come of its body.
  readonly #prefix = Buffer.alloc(prefixBytes);
  #prefixLength = 0;
  #kind = 0;
  #bodyLeft = 0;
  /** The body of a short frame; output goes on as it comes. */
  #body: Buffer = Buffer.alloc(0);

  constructor(link: Socket) {
    this.#link = link;
    link.on("error", () => undefined);
    link.on("data", (bytes: Buffer) => this.#hear(bytes));
    this.#gone = new Promise((resolve) => {
      link.once("close", () => {
        this.#lose();
        resolve();
      });
    });
    link.unref();
  }

  get isLost(): boolean {
    return this.#lost;
  }

  /** Whether it can be given a job. */
  get isFree(): boolean {
    return !this.#lost && this.pid !== 0 && this.#pending === undefined && this.#entering === undefined;
  }

  /** `tell` is called once, when the job that runs is over; at once when none does; not at all when the server is lost. */
  whenIdle(tell: () => void): void {
    if (this.#pending === undefined) tell();
    else this.#whenIdle = tell;
  }

  /** Lets the server stand in a control group, given by its cgroup.procs, or just answer. Undefined when it does; else the errno word. */
  async enter(procs: string): Promise<string | undefined> {
    if (this.#lost) return "EPIPE";
    const errno = await new Promise<number | undefined>((resolve) => {
      this.#entering = resolve;
      this.#link.ref();
      this.#link.write(frameOf(kindsIn.enter, procs));
    });
    return errno === undefined ? undefined : wordOf(errno);
  }

  /** Only when free. Never rejects. */
  spawn(request: SpawnRequest): Promise<SpawnAnswer> {
    return new Promise((answer) => {
      let tellEnd: Pending["tellEnd"] = () => undefined;
      let tellOutputEnd = (): void => undefined;
      const ended = new Promise<SpawnedEnd | undefined>((resolve) => (tellEnd = resolve));
      const outputEnded = new Promise<void>((resolve) => (tellOutputEnd = resolve));
      const releaseOutput = (): void => {
        if (this.#pending !== pending) return;
        pending.released = true;
        tellOutputEnd();
        this.#link.write(frameOf(kindsIn.release, ""));
      };
      const feed = (stdin: string): void => {
        if (this.#pending === pending) this.#link.write(frameOf(kindsIn.feed, stdin));
      };
      const waits = { ended, outputEnded, feed, releaseOutput };
      const pending: Pending = {
        ...{ request, answer, tellEnd, tellOutputEnd, waits },
        ...{ announced: false, released: false },
      };
      this.#pending = pending;
      this.#link.ref();
      this.#link.write(jobFrame(request));
    });
  }

  /** Ends it by force; what it has started stays. */
  kill(): void {
    if (this.#lost) return;
    try {
      if (this.pid !== 0) process.kill(this.pid, "SIGKILL");
    } catch {
      // gone already
    }
    this.#link.destroy();
  }

  /** Ends it in peace; resolves when it is gone, by force after a second. */
  async close(): Promise<void> {
    if (this.#lost) return;
    this.#link.ref();
    this.#link.end();
    const force = setTimeout(() => this.kill(), 1_000);
    await this.#gone;
    clearTimeout(force);
  }

  #hear(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#prefixLength < prefixBytes) {
        const taken = bytes.copy(this.#prefix, this.#prefixLength, at);
        this.#prefixLength += taken;
        at += taken;
        if (this.#prefixLength < prefixBytes) return;
        this.#kind = this.#prefix[0] ?? 0;
        this.#bodyLeft = this.#prefix.readUInt32LE(1);
        this.#body = Buffer.alloc(0);
      }
      const piece = bytes.subarray(at, at + this.#bodyLeft);
      at += piece.length;
      this.#bodyLeft -= piece.length;
      if (this.#kind === kindsOut.out) this.#tellBytes("out", piece);
      else if (this.#kind === kindsOut.err) this.#tellBytes("err", piece);
      else this.#body = this.#body.length === 0 ? piece : Buffer.concat([this.#body, piece]);
      if (this.#bodyLeft > 0) return;
      this.#prefixLength = 0;
      this.#take(this.#kind, this.#body);
    }
  }

  #tellBytes(stream: "out" | "err", bytes: Buffer): void {
    if (this.#pending?.released === false) this.#pending.request.onBytes(stream, bytes);
  }

  #take(kind: number, body: Buffer): void {
    switch (kind) {
      case kindsOut.started:
        return this.#announce(body.readUInt32LE(0));
      case kindsOut.closed:
        return this.#pending?.tellOutputEnd();
      case kindsOut.ended:
        return this.#end({
          pid: body.readUInt32LE(0),
          exit: exitOf(body.readUInt32LE(4)),
          leftNothing: body.readUInt32LE(8) === 1,
        });
      case kindsOut.failed:
        return this.#fail(body.readUInt32LE(0));
      case kindsOut.idle:
        this.pid = body.readUInt32LE(0);
        return this.#becomeFree();
    }
  }

  #announce(pid: number): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    pending.announced = true;
    pending.request.onStarted(pid);
    pending.answer({ ok: true, process: { ...pending.waits, pid, end: undefined } });
  }

  #end(end: SpawnedEnd): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    if (!pending.announced) {
      pending.announced = true;
      pending.answer({ ok: true, process: { ...pending.waits, pid: end.pid, end } });
    }
    pending.tellEnd(end);
  }

  #fail(errno: number): void {
    const entering = this.#entering;
    if (entering !== undefined) {
      this.#entering = undefined;
      this.#link.unref();
      return entering(errno);
    }
    this.#pending?.answer({ ok: false, code: wordOf(errno) });
    this.#becomeFree();
  }

  #becomeFree(): void {
    const entering = this.#entering;
    this.#entering = undefined;
    entering?.(undefined);
    this.#pending = undefined;
    this.#link.unref();
    const tell = this.#whenIdle;
    this.#whenIdle = undefined;
    tell?.();
  }

  #lose(): void {
    this.#lost = true;
    const pending = this.#pending;
    this.#pending = undefined;
    this.#entering?.(constants.errno.EPIPE);
    if (pending === undefined) return;
    if (!pending.announced) pending.answer({ ok: false });
    pending.tellEnd(undefined);
    pending.tellOutputEnd();
  }
}

function frameOf(kind: number, body: string): Buffer {
  const length = Buffer.byteLength(body);
  const frame = Buffer.allocUnsafe(prefixBytes + length);
  frame.writeUInt8(kind, 0);
  frame.writeUInt32LE(length, 1);
  frame.write(body, prefixBytes);
  return frame;
}

function jobFrame({ cwd, file, args, env, ...rest }: SpawnRequest): Buffer {
  const { stdin = "" } = rest;
  let head = `${cwd}\0${file}\0${args.length}`;
  for (const arg of args) head += `\0${arg}`;
  for (const [name, value] of env) head += `\0${name}=${value}`;
  const headLength = Buffer.byteLength(head);
  const length = 4 + headLength + Buffer.byteLength(stdin);
  const frame = Buffer.allocUnsafe(prefixBytes + length);
  frame.writeUInt8(rest.stdin === undefined ? kindsIn.prepare : kindsIn.job, 0);
  frame.writeUInt32LE(length, 1);
  frame.writeUInt32LE(headLength, prefixBytes);
  frame.write(head, prefixBytes + 4);
  frame.write(stdin, prefixBytes + 4 + headLength);
  return frame;
}

/**
 * As waitpid tells it: the signal in the low seven bits, else the exit code above the lowest byte. A real-time signal has no
 * name in Node; it becomes the exit code that a shell gives it.
 */
function exitOf(status: number): Exit {
  const number = status & 0x7f;
  if (number === 0) return { kind: "exited", code: status >> 8 };
  const signal = signalNames.get(number);
  return signal === undefined ? { kind: "exited", code: 128 + number } : { kind: "signalled", signal };
}

function wordOf(errno: number): string {
  return errnoWords.get(errno) ?? `E${errno}`;
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
