/**
 * Why a command cannot be started, said so that a person can act on it. The kernel's words are thin: ENOENT is also a
 * missing interpreter and a missing working folder, EACCES is also a folder, and a broken binary is quietly handed to
 * /bin/sh. `inspectExecutable` looks first; `explainFailure` explains what was missed.
 */
import {
  accessSync,
  type BigIntStats,
  closeSync,
  constants,
  existsSync,
  openSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

export interface StartProblem {
  /** The errno word. */
  readonly code: string;
  /** What is not there, when ENOENT. */
  readonly missing?: "file" | "interpreter" | "folder";
  readonly explanation: string;
}

/** Where `name` is found on `path` (as PATH), as a shell would; undefined when nowhere. Names with a slash are taken as they are. */
export function findExecutable(name: string, path: string, cwd: string): string | undefined {
  if (name.includes("/")) return isAbsolute(name) ? name : join(cwd, name);
  return path
    .split(delimiter)
    .map((folder) => join(folder === "" ? cwd : folder, name))
    .find((candidate) => isRunnable(candidate));
}

/** The problem with `file`, or undefined when the kernel should take it. Reads its first bytes. */
export function inspectExecutable(file: string): StartProblem | undefined {
  let stats: Stats;
  try {
    stats = statSync(file);
  } catch (error) {
    return problemOfPath(errorCode(error), file);
  }
  if (stats.isDirectory()) return { code: "EACCES", explanation: `${file} is a folder, not a program` };
  if (!stats.isFile()) return { code: "EACCES", explanation: `${file} is not a regular file` };
  if (!isRunnable(file)) {
    return { code: "EACCES", explanation: `${file} is not executable for this user; try chmod +x` };
  }
  if (stats.size === 0) return { code: "ENOEXEC", explanation: `${file} is empty` };
  return inspectContent(file);
}

/** Remembers files that were found good, until they change. One stat for each call. */
export class ExecutableCheck {
  #good: { readonly file: string; readonly stats: BigIntStats } | undefined;

  inspect(file: string): StartProblem | undefined {
    const stats = lookAtFile(file);
    const good = this.#good;
    if (good?.file === file && isUnchangedFile(good.stats, stats)) return undefined;
    const problem = inspectExecutable(file);
    this.#good = problem === undefined && stats !== undefined ? { file, stats } : undefined;
    return problem;
  }
}

/** The file as it is now, to be compared later; undefined where it cannot be looked at. */
export function lookAtFile(file: string): BigIntStats | undefined {
  try {
    return statSync(file, { bigint: true });
  } catch {
    return undefined;
  }
}

/** Every change of a file moves its ctime, which nobody can set. What could not be looked at counts as changed. */
export function isUnchangedFile(before: BigIntStats | undefined, now: BigIntStats | undefined): boolean {
  return (
    before !== undefined &&
    now !== undefined &&
    before.ctimeNs === now.ctimeNs &&
    before.ino === now.ino &&
    before.dev === now.dev &&
    before.size === now.size &&
    before.mode === now.mode
  );
}

/** What a failure of spawn means for this command. */
export function explainFailure(
  code: string,
  message: string,
  command: { file: string; cwd: string },
): StartProblem {
  const folder = statSync(command.cwd, { throwIfNoEntry: false });
  if (folder === undefined && (code === "ENOENT" || code === "ENOTDIR")) {
    return { code, missing: "folder", explanation: `the working folder ${command.cwd} does not exist` };
  }
  if (folder !== undefined && !folder.isDirectory() && code === "ENOTDIR") {
    return { code, explanation: `the working folder ${command.cwd} is not a folder` };
  }
  const words = meanings.get(code);
  if (words !== undefined) return { code, explanation: words };
  return inspectExecutable(command.file) ?? { code, explanation: message };
}

const meanings: ReadonlyMap<string, string> = new Map([
  [
    "E2BIG",
    "arguments and environment are larger than the kernel takes (128 KiB for each argument or variable); " +
      "pass the script on standard input, or make the variables smaller",
  ],
  ["ETXTBSY", "the program file is open for writing, perhaps being updated; try again in a moment"],
  ["EAGAIN", "the limit of processes is reached (ulimit -u, or TasksMax of the service)"],
  ["ENOMEM", "the machine has no memory left to start a process"],
  ["EMFILE", "the runner has too many open files (ulimit -n, or LimitNOFILE of the service)"],
  ["ENFILE", "the machine has too many open files"],
  ["ENOSPC", "no room to keep the standard input: /dev/shm and the temporary folder are full"],
  ["ENOSYS", "the pipes for the output cannot be made: mkfifo is not on PATH; install coreutils"],
  ["ERR_INVALID_ARG_VALUE", "an argument or a variable holds a NUL character"],
]);

function inspectContent(file: string): StartProblem | undefined {
  const start = firstBytes(file, 512);
  // A program may be executable and not readable; then only the kernel can judge it.
  if (start === undefined) return undefined;
  if (start.length >= 2 && start[0] === 0x23 && start[1] === 0x21) return inspectInterpreterLine(file, start);
  if (start.length >= 4 && start.readUInt32BE(0) === 0x7f454c46) return inspectElf(file, start);
  if (start.includes(0)) {
    return { code: "ENOEXEC", explanation: `${file} is neither a program of this machine nor a script` };
  }
  // A text without #! is run by /bin/sh, as every shell does.
  return undefined;
}

function inspectInterpreterLine(file: string, start: Buffer): StartProblem | undefined {
  const newline = start.indexOf(0x0a);
  const line = start.toString("latin1", 2, newline < 0 ? start.length : newline);
  const interpreter = /^[ \t]*([^ \t]*)/.exec(line)?.[1] ?? "";
  const code = "ENOENT";
  if (interpreter.endsWith("\r")) {
    const explanation = `the first line of ${file} ends in CR LF, so its interpreter is not found; save it with LF line ends`;
    return { code, missing: "interpreter", explanation };
  }
  if (interpreter === "")
    return { code: "ENOEXEC", explanation: `${file} starts with #! and names no interpreter` };
  if (existsSync(interpreter)) return undefined;
  const explanation = `${file} asks for the interpreter ${interpreter}, which does not exist`;
  return { code, missing: "interpreter", explanation };
}

/** Compares word size, byte order and machine with the program we are ourselves. */
function inspectElf(file: string, start: Buffer): StartProblem | undefined {
  const own = firstBytes("/proc/self/exe", 20);
  if (start.length < 52)
    return { code: "ENOEXEC", explanation: `${file} is a damaged program: its header is cut off` };
  if (own === undefined) return undefined;
  const kind = start.readUInt16LE(16);
  const sameMachine = start[4] === own[4] && start[5] === own[5] && start.compare(own, 18, 20, 18, 20) === 0;
  if (kind !== 2 && kind !== 3)
    return { code: "ENOEXEC", explanation: `${file} is a damaged program or an object file` };
  // A 64-bit machine may still run 32-bit programs; the kernel decides about those.
  if (!sameMachine && start[4] === own[4]) {
    return { code: "ENOEXEC", explanation: `${file} was built for another kind of processor` };
  }
  return undefined;
}

function firstBytes(file: string, count: number): Buffer | undefined {
  try {
    const fd = openSync(file, "r");
    try {
      const buffer = Buffer.alloc(count);
      return buffer.subarray(0, readSync(fd, buffer, 0, count, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function problemOfPath(code: string, file: string): StartProblem {
  switch (code) {
    case "ENOENT":
      return { code, missing: "file", explanation: `${file} does not exist` };
    case "EACCES":
      return { code, explanation: `a folder on the way to ${file} may not be entered by this user` };
    case "ENOTDIR":
      return { code, explanation: `a part of the path ${file} is not a folder` };
    case "ELOOP":
      return { code, explanation: `${file} is a symbolic link that leads to itself` };
    case "ENAMETOOLONG":
      return { code, explanation: "the path of the program is too long" };
    default:
      return { code, explanation: `${file} cannot be looked at (${code})` };
  }
}

function isRunnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
}
