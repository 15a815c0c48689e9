/**
 * The two output streams of one job on their way from the pipe: counted, masked, shown to the listener, kept.
 * Nothing behind the mask ever sees a secret.
 */
import type { ExecutionFacts, Output } from "@herorunner/job";
import { brokenEnd, Capture, type Captured, type CaptureLimits } from "../capture.ts";
import type { OutputListener } from "../executor.ts";
import { type MaskPatterns, StreamMask } from "../mask.ts";

export interface JobOutputOptions {
  readonly limits: CaptureLimits;
  readonly mask: MaskPatterns;
  readonly listener: OutputListener | undefined;
}

type StreamName = "out" | "err";

export class JobOutput {
  readonly #out: KeptStream;
  readonly #err: KeptStream;

  constructor(options: JobOutputOptions) {
    this.#out = new KeptStream("out", options);
    this.#err = new KeptStream("err", options);
  }

  /** Bytes written so far, both streams. */
  get bytes(): number {
    return this.#out.writtenBytes + this.#err.writtenBytes;
  }

  /** The first KiB of standard error. */
  startOfStderr(): string {
    return this.#err.start(1024);
  }

  add(stream: StreamName, bytes: Uint8Array): void {
    (stream === "out" ? this.#out : this.#err).add(bytes);
  }

  /** Call once, after the last `add`. */
  finish(): {
    output: Output;
    facts: Pick<ExecutionFacts, "stdoutSha256" | "stderrSha256" | "maskedCount">;
  } {
    const out = this.#out.finish();
    const err = this.#err.finish();
    const maskedCount = this.#out.maskedCount + this.#err.maskedCount;
    return {
      output: {
        stdout: out.text,
        stderr: err.text,
        stdoutBytes: this.#out.writtenBytes,
        stderrBytes: this.#err.writtenBytes,
        droppedBytes: out.droppedBytes + err.droppedBytes,
      },
      facts: {
        stdoutSha256: out.sha256,
        stderrSha256: err.sha256,
        ...(maskedCount > 0 && { maskedCount }),
      },
    };
  }
}

const nothing = Buffer.alloc(0);

class KeptStream {
  writtenBytes = 0;
  readonly #name: StreamName;
  readonly #capture: Capture;
  readonly #mask: StreamMask | undefined;
  readonly #listener: OutputListener | undefined;
  #shownBytes = 0;
  /** Bytes not shown yet because they begin a character. */
  #carry: Buffer = nothing;

  constructor(name: StreamName, options: JobOutputOptions) {
    this.#name = name;
    this.#capture = new Capture(options.limits);
    this.#mask = options.mask.isEmpty ? undefined : new StreamMask(options.mask);
    this.#listener = options.listener;
  }

  get maskedCount(): number {
    return this.#mask?.count ?? 0;
  }

  add(bytes: Uint8Array): void {
    this.writtenBytes += bytes.length;
    this.#keep(this.#mask === undefined ? bytes : this.#mask.add(bytes));
  }

  start(most: number): string {
    return this.#capture.start(most);
  }

  finish(): Captured {
    if (this.#mask !== undefined) this.#keep(this.#mask.finish());
    this.#show(this.#carry);
    return this.#capture.finish();
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#capture.add(bytes);
    if (this.#listener === undefined) return;
    const joined =
      this.#carry.length === 0
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        : Buffer.concat([this.#carry, bytes]);
    const whole = joined.length - brokenEnd(joined);
    // A copy: the bytes are ours only during the call.
    this.#carry = whole === joined.length ? nothing : Buffer.from(joined.subarray(whole));
    this.#show(joined.subarray(0, whole));
  }

  #show(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#listener?.(this.#name, this.#shownBytes, bytes.toString("utf8"));
    this.#shownBytes += bytes.length;
  }
}
