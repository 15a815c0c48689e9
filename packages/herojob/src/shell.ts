/**
 * The process as commands see it: three streams, of which each knows whether a person sits at it, and Ctrl-C. Commands
 * get it handed in and touch nothing else of the process.
 */
import { createInterface } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";
import { visible } from "./visible.ts";

export interface OutputPort {
  readonly isTerminal: boolean;
  /** How wide it is at the moment, where that is known. */
  columns?(): number | undefined;
  /** Resolves when the text is on its way, so that a slow reader slows us and not our memory. */
  write(text: string): Promise<void>;
}

export interface Shell {
  readonly stdout: OutputPort;
  readonly stderr: OutputPort;
  /** Somebody reads our questions and can answer them. */
  readonly isInteractive: boolean;
  /** All of standard input. */
  readInput(): Promise<Buffer>;
  /** One line from the person; undefined when the signal aborts first, empty at the end of input. */
  readLine(signal: AbortSignal): Promise<string | undefined>;
  /** Calls the listener at every Ctrl-C instead of ending; the answer ends that. */
  onInterrupt(listener: () => void): () => void;
  /** A Ctrl-C within the next second is kept for the next listener; without one it ends the process then. */
  holdInterrupts(): void;
  /** Unix time, ms. */
  now(): number;
}

/** What of `process` a shell needs. */
export interface ProcessPort {
  readonly stdin: ReadStream | NodeJS.ReadStream;
  readonly stdout: WriteStream | NodeJS.WriteStream;
  readonly stderr: WriteStream | NodeJS.WriteStream;
  on(event: "SIGINT", listener: () => void): unknown;
  off(event: "SIGINT", listener: () => void): unknown;
  readonly pid: number;
  kill(pid: number, signal: "SIGINT"): unknown;
}

const holdMs = 1_000;

export function createShell(port: ProcessPort): Shell {
  let interrupted = false;
  const hold = (): void => void (interrupted = true);
  return {
    stdout: outputPort(port.stdout),
    stderr: outputPort(port.stderr),
    isInteractive: port.stdin.isTTY && port.stderr.isTTY,
    readInput: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of port.stdin) chunks.push(Buffer.from(chunk as Uint8Array)); // no encoding is set
      return Buffer.concat(chunks);
    },
    readLine: (signal) => readLine(port.stdin, signal),
    onInterrupt: (listener) => {
      port.on("SIGINT", listener);
      port.off("SIGINT", hold);
      if (interrupted) queueMicrotask(listener);
      interrupted = false;
      return () => void port.off("SIGINT", listener);
    },
    holdInterrupts: () => {
      port.on("SIGINT", hold);
      const letGo = (): void => {
        port.off("SIGINT", hold);
        if (interrupted) port.kill(port.pid, "SIGINT");
      };
      setTimeout(letGo, holdMs).unref();
    },
    now: Date.now,
  };
}

function outputPort(stream: NodeJS.WriteStream): OutputPort {
  return {
    isTerminal: stream.isTTY,
    columns: () => (stream.isTTY ? stream.columns : undefined),
    write: (text) =>
      new Promise((resolve) => {
        // An error is told to the stream's own listener, in main.ts.
        if (text === "") resolve();
        else stream.write(text, () => resolve());
      }),
  };
}

function readLine(stdin: ProcessPort["stdin"], signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Not a readline terminal: that would turn Ctrl-C into a key press of its own.
    const lines = createInterface({ input: stdin, terminal: false });
    const end = (line: string | undefined): void => {
      resolve(line); // before close(), which says "close" at once: the first word counts
      signal.removeEventListener("abort", abort);
      lines.close();
      stdin.pause();
    };
    const abort = (): void => end(undefined);
    lines.once("line", end);
    lines.once("close", () => end(""));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
  });
}

/** Foreign text for this stream: exactly as it is, or with its control characters made visible where a person looks. */
export function shownOn(port: OutputPort, text: string, raw: boolean): string {
  return port.isTerminal && !raw ? visible(text) : text;
}
