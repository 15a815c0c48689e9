/**
 * Standard output and standard error, written at once and whole, so that lines of the script and of the programs it
 * starts come in the order in which they happened. A reader that has gone away ends the command quietly.
 */
import { writeSync } from "node:fs";
import { messageOf } from "./errors.ts";

const stdoutFd = 1;
const stderrFd = 2;
const retryMs = 5;

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** A pipe shared with others can be set not to block; then a full one has to be tried again. */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if (!isCode(error, "EAGAIN")) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
    }
  }
}

/** Standard output takes nothing more; there is nobody left to work for. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
  /** What to say about it; a reader that went away is no fault. */
  readonly complaint: string | undefined;

  constructor(complaint?: string) {
    super(complaint ?? "standard output was closed");
    this.complaint = complaint;
  }
}

export function writeOut(text: string): void {
  try {
    writeAll(stdoutFd, text);
  } catch (error) {
    if (isCode(error, "EPIPE")) throw new ReaderGone();
    throw new ReaderGone(`standard output cannot be written: ${messageOf(error)}`);
  }
}

export function writeErr(text: string): void {
  try {
    writeAll(stderrFd, text);
  } catch {
    // There is no other place to say it, and the exit code is still to come.
  }
}

/** Where a run puts what it has to say. */
export interface RunOutput {
  /** True when every line on standard output is JSON; programs are then never given our standard output. */
  readonly json: boolean;
  print(text: string): void;
  /** The result of an action that stands in the script. Only called when `json` is true. */
  result(action: string, data: unknown): void;
  note(text: string): void;
}

export const textOutput: RunOutput = {
  json: false,
  print: (text) => writeOut(`${text}\n`),
  result: () => {},
  note: (text) => writeErr(`${text}\n`),
};

export const jsonOutput: RunOutput = {
  json: true,
  print: (text) => writeOut(`${JSON.stringify({ print: text })}\n`),
  result: (action, data) => writeOut(`${JSON.stringify({ action, result: data ?? null })}\n`),
  note: (text) => writeErr(`${text}\n`),
};
