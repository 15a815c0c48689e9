/**
 * Where scripts come from: standard input, the command line, a file, or a folder of them.
 */
import { isUtf8 } from "node:buffer";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  realpathSync,
  statSync,
  type Dirent,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "./errors.ts";
import type { Source } from "./run/program.ts";

const stdinFd = 0;
/** What a wrong pipe brings would fill the memory otherwise. */
const maxScriptBytes = 256 * 1024 * 1024;
/** In the order in which a folder is run. */
const suffixes = [".md", ".hero", ".heroscript", ".hs"];

export function isProse(file: string): boolean {
  return file.toLowerCase().endsWith(".md");
}

export function stdinSource(
  world: { readonly cwd: string; readonly readStdin: () => Buffer },
  prose: boolean,
): Source {
  return { name: "<stdin>", ...decoded(world.readStdin()), folder: world.cwd, prose };
}

/** Asked now, while the bytes are there: a pipe cannot be read a second time. */
function decoded(bytes: Buffer): Pick<Source, "text" | "isUtf8"> {
  return { text: bytes.toString("utf8"), isUtf8: isUtf8(bytes) };
}

export function textSource(text: string, cwd: string, prose: boolean): Source {
  return { name: "<script>", text, folder: cwd, prose };
}

/**
 * What has come through the pipe that is standard input, without waiting for more. Undefined when nothing has, and when it
 * is no pipe. Whoever asks passes it on to `readStdin`.
 */
export function readWhatIsThere(): Buffer | undefined {
  let pipe: number | undefined;
  try {
    if (!fstatSync(stdinFd).isFIFO()) return undefined;
    // The same pipe once more: to make our own descriptor not wait would do so for all who share it.
    pipe = openSync(`/proc/self/fd/${stdinFd}`, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = Buffer.allocUnsafe(64 * 1024);
    return Buffer.from(buffer.subarray(0, readSync(pipe, buffer)));
  } catch {
    return undefined;
  } finally {
    if (pipe !== undefined) closeSync(pipe);
  }
}

/** Waits for the end of standard input. `first`: what has been read of it. */
export function readStdin(first: Uint8Array = new Uint8Array()): Buffer {
  const chunks: Uint8Array[] = [first];
  let bytes = first.length;
  const buffer = Buffer.allocUnsafe(64 * 1024);
  for (;;) {
    let count: number;
    try {
      count = readSync(stdinFd, buffer);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EOF") break;
      if (code !== "EAGAIN") throw new UsageError(`cannot read standard input: ${String(code)}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      continue;
    }
    if (count === 0) break;
    chunks.push(Buffer.from(buffer.subarray(0, count)));
    bytes += count;
    if (bytes > maxScriptBytes)
      throw new UsageError(
        `standard input holds more than ${maxScriptBytes >> 20} MiB; no script is that long`,
      );
  }
  return Buffer.concat(chunks);
}

/** The script at a path, or all scripts of a folder: `.md` first, then `.hero`, `.heroscript`, `.hs`, by name. */
export function pathSources(path: string, cwd: string, prose: boolean): Source[] {
  const full = resolve(cwd, path);
  const files = scriptFiles(full, path);
  if (files.length === 0) {
    throw new UsageError(`the folder ${path} holds no script`, `scripts end in ${suffixes.join(", ")}`);
  }
  const alone = files.length === 1 && files[0] === full;
  return files.map((file) => fileSource(file, alone ? path : join(path, file.slice(full.length + 1)), prose));
}

function scriptFiles(full: string, shown: string): string[] {
  try {
    return statSync(full).isDirectory() ? folderScripts(full) : [full];
  } catch (error) {
    throw unreadable(shown, error);
  }
}

function fileSource(file: string, name: string, prose: boolean): Source {
  try {
    const text = decoded(readFileSync(file));
    return { name, ...text, folder: dirname(file), file: realpathSync(file), prose: prose || isProse(file) };
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): UsageError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return new UsageError(`there is no file ${name}`);
  if (code === "EACCES") return new UsageError(`${name} may not be read: permission denied`);
  return new UsageError(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
}

/** Links to files too: a folder that Kubernetes mounts from a ConfigMap holds nothing else. */
function isFile(entry: Dirent, folder: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile();
  try {
    return statSync(join(folder, entry.name)).isFile();
  } catch {
    return false;
  }
}

/** Full paths of the scripts in a folder and below it, in the order in which they run. */
export function folderScripts(folder: string): string[] {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !/^[._]/.test(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const own = suffixes.flatMap((suffix) =>
    names
      .filter((entry) => entry.name.endsWith(suffix) && isFile(entry, folder))
      .map((entry) => join(folder, entry.name)),
  );
  const below = names
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => folderScripts(join(folder, entry.name)));
  return [...own, ...below];
}
