/**
 * Makes FIFOs, which Node cannot. A shell that stays does it with `mkfifo`, for to start a program from a large
 * process costs far more than from a small one. It ends with its standard input, hence with us.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

/**
 * Reads a folder and a count, a line each, makes FIFOs named 0, 1, 2 … there and answers with the exit code of mkfifo. At the
 * end it removes those of the last folder and the folder, should we have been killed before we could: by their names, for
 * whatever else it might be told to remove would be somebody's.
 */
const script = `last=
while IFS= read -r folder && read -r count; do
  last=$folder
  i=0; set --
  while [ "$i" -lt "$count" ]; do set -- "$@" "$folder/$i"; i=$((i + 1)); done
  mkfifo -m 600 "$@"
  echo "$?"
done
[ -d "$last" ] && rm -f -- "$@" && rmdir -- "$last"`;

type Shell = ChildProcessByStdio<Writable, Readable, null>;

export class FifoMaker {
  #shell: Shell | undefined;

  /** Makes `count` FIFOs of mode 0600 in `folder`. One call at a time. Rejects with an errno word as `code`. */
  async make(folder: string, count: number): Promise<void> {
    // The shell reads lines: it would take the first for the folder, and at the end remove that one.
    if (folder.includes("\n")) {
      throw failure(
        "EINVAL",
        `no pipes can be made in ${JSON.stringify(folder)}: there is a newline in its path`,
      );
    }
    const exitCode = (await this.#ask(folder, count)) ?? (await this.#ask(folder, count));
    if (exitCode === undefined) throw failure("EPIPE", "the shell that makes pipes was ended twice");
    if (exitCode === "127") throw failure("ENOSYS", "mkfifo is not on PATH");
    if (exitCode !== "0") throw failure("EIO", `mkfifo failed in ${folder} with exit code ${exitCode}`);
  }

  /** The exit code of mkfifo; undefined when somebody ended the shell. */
  async #ask(folder: string, count: number): Promise<string | undefined> {
    if (this.#shell === undefined || hasEnded(this.#shell)) this.#shell = await startShell();
    const shell = this.#shell;
    holdLoop(shell, true);
    try {
      return await new Promise((resolve, reject) => {
        shell.stdout.once("data", (data: Buffer) => resolve(data.toString("latin1").trim()));
        shell.once("error", reject);
        shell.once("exit", () => resolve(undefined));
        shell.stdin.write(`${folder}\n${count}\n`);
      });
    } finally {
      shell
        .removeAllListeners("exit")
        .removeAllListeners("error")
        .on("error", () => undefined);
      holdLoop(shell, false);
    }
  }

  async close(): Promise<void> {
    const shell = this.#shell;
    this.#shell = undefined;
    if (shell === undefined || hasEnded(shell)) return;
    holdLoop(shell, true);
    // Not "exit", after which our ends of its streams may still be open.
    const gone = new Promise((resolve) => shell.once("close", resolve));
    shell.stdin.end();
    await gone;
  }
}

/** Rejects with the reason when there are no descriptors, no memory, no processes left. */
async function startShell(): Promise<Shell> {
  const shell = spawn("/bin/sh", ["-c", script, "herorunner-fifos"], {
    cwd: "/",
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  // Without descriptors it has no streams either.
  if (shell.pid === undefined) {
    await new Promise((_resolve, reject) => shell.once("error", reject));
  }
  shell.stdin.on("error", () => undefined);
  return shell;
}

function hasEnded(shell: Shell): boolean {
  return shell.exitCode !== null || shell.signalCode !== null;
}

/** Only while something is asked of it may the shell keep the program from ending. */
function holdLoop(shell: Shell, hold: boolean): void {
  // The pipes of spawn are Sockets, typed by what they are read or written as.
  for (const part of [shell, shell.stdin, shell.stdout] as unknown as { ref(): void; unref(): void }[]) {
    if (hold) part.ref();
    else part.unref();
  }
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
