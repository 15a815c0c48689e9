/**
 * Private files in memory that never have a name. One is the standard input of each job. Against a pipe it has three
 * merits: a child that reads slowly or never keeps nothing in our memory, there is no broken pipe to survive, and
 * `/dev/stdin` opened by name works at any time (opening a FIFO waits for a writer, which is gone once all is written).
 */
import { closeSync, constants, openSync, unlinkSync, writeSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Linux's O_TMPFILE, which Node does not name: a file that never has a name. */
const nameless = constants.O_DIRECTORY | 0o20000000;

/** A read-only descriptor at the start of `text`; the caller closes it. Throws when no folder can hold the text. */
export function openInput(text: string): number {
  if (text === "") return openSync("/dev/null", "r");
  const bytes = Buffer.from(text, "utf8");
  try {
    return openInputIn("/dev/shm", bytes);
  } catch {
    // Containers often have a small /dev/shm, or none.
    return openInputIn(tmpdir(), bytes);
  }
}

/** A nameless private file with `content`, that can be read and written; the caller closes it. */
export function openScratch(content: Uint8Array): number {
  try {
    return openFilled("/dev/shm", content);
  } catch {
    return openFilled(tmpdir(), content);
  }
}

/** Room is taken at once: where it is short, nobody finds out later, in memory that he shares with others. */
function openFilled(folder: string, content: Uint8Array): number {
  const file = openNameless(folder);
  try {
    writeAll(file, content);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
}

function openInputIn(folder: string, bytes: Buffer): number {
  const writable = openNameless(folder);
  try {
    writeAll(writable, bytes);
    // Opened again, so that the child gets a descriptor of its own that cannot write.
    return openSync(`/proc/self/fd/${writable}`, constants.O_RDONLY);
  } finally {
    closeSync(writable);
  }
}

function openNameless(folder: string): number {
  try {
    return openSync(folder, nameless | constants.O_RDWR, 0o600);
  } catch {
    const path = join(folder, `herorunner-${randomUUID()}`);
    const fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600);
    unlinkSync(path);
    return fd;
  }
}
