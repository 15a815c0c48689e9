/** Shows a job's output as it comes, each stream where it belongs, and says where bytes were left out. */
import type { JobView, LogLine } from "@herorunner/job";
import { shownOn, type Shell } from "./shell.ts";

export class LiveOutput {
  readonly #shell: Shell;
  readonly #raw: boolean;
  readonly #next = { out: 0, err: 0 };
  /** Of this attempt, as text: bytes shown or told to be left out, the last piece, and where that began. */
  readonly #shown = { out: 0, err: 0 };
  readonly #last = { out: "", err: "" };
  readonly #lastOffset = { out: -1, err: -1 };
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
    // A new attempt starts its streams again.
    if (offset <= this.#lastOffset[stream]) this.#shown[stream] = 0;
    const missing = Math.max(0, offset - this.#next[stream]);
    if (missing > 0) await this.note(`${missing} bytes of ${name(stream)} are left out here`);
    const port = stream === "out" ? this.#shell.stdout : this.#shell.stderr;
    await port.write(shownOn(port, data, this.#raw));
    const bytes = Buffer.byteLength(data);
    this.#next[stream] = offset + bytes;
    this.#shown[stream] += missing + bytes;
    this.#last[stream] = data;
    this.#lastOffset[stream] = offset;
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

  /**
   * Bytes at the end of a stream that did not reach us; 0 where nothing of it did. Judged by what is stored: the job may
   * have written more or less than that, for secrets are masked and what is no UTF-8 is replaced.
   */
  missing(stream: "out" | "err", { result = "", stderr = "", droppedBytes = 0, ...job }: JobView): number {
    if (!this.#seen[stream]) return 0;
    const text = stream === "out" ? result : stderr;
    if (droppedBytes === 0) return Math.max(0, Buffer.byteLength(text) - this.#shown[stream]);
    if (text.endsWith(this.#last[stream])) return 0;
    const written = stream === "out" ? job.stdoutBytes : job.stderrBytes;
    return Math.max(0, (written ?? 0) - this.#next[stream]);
  }
}

function name(stream: "out" | "err"): string {
  return stream === "out" ? "standard output" : "standard error";
}
