/** Shows a job's output as it comes, each stream where it belongs, and says where bytes were left out. */
import type { LogLine } from "@herorunner/job";
import { shownOn, type Shell } from "./shell.ts";

export class LiveOutput {
  readonly #shell: Shell;
  readonly #raw: boolean;
  readonly #next = { out: 0, err: 0 };
  readonly #seen = { out: false, err: false };
  #lastSeq = 0;
  #openLine = false;

  constructor(shell: Shell, raw: boolean) {
    this.#shell = shell;
    this.#raw = raw;
  }

  /** Where to go on after an interruption. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Streams of which something was shown. */
  get seen(): { readonly out: boolean; readonly err: boolean } {
    return this.#seen;
  }

  async show(line: LogLine): Promise<void> {
    const { stream, offset, data } = line;
    // A smaller offset than expected is a new attempt, which starts its streams again.
    const missing = offset - this.#next[stream];
    if (missing > 0) await this.note(`${missing} bytes of ${name(stream)} are left out here`);
    const port = stream === "out" ? this.#shell.stdout : this.#shell.stderr;
    await port.write(shownOn(port, data, this.#raw));
    this.#next[stream] = offset + Buffer.byteLength(data);
    this.#seen[stream] = true;
    this.#lastSeq = line.seq;
    if (port.isTerminal) this.#openLine = !data.endsWith("\n");
  }

  /** Says something of ours, on a line of its own. */
  async note(text: string): Promise<void> {
    await this.endLine();
    await this.#shell.stderr.write(`herojob: ${text}\n`);
  }

  /** A person's next line should not start behind the output's last one. */
  async endLine(): Promise<void> {
    if (this.#openLine) await this.#shell.stderr.write("\n");
    this.#openLine = false;
  }

  /** What the end of the stream did not reach us, bytes. */
  missing(stream: "out" | "err", totalBytes: number | undefined): number {
    return Math.max(0, (totalBytes ?? 0) - this.#next[stream]);
  }
}

function name(stream: "out" | "err"): string {
  return stream === "out" ? "standard output" : "standard error";
}
