/**
 * Spans on their way out: kept up to a limit, sent in batches, one at a time. What cannot be sent is dropped and counted, and
 * said once until it can be sent again. Has a timer only while something waits.
 */
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { Logger } from "../logger.ts";
import type { SpanCounts } from "./tracing.ts";

export interface SpanQueueOptions {
  /** Rejects when the collector did not take them. */
  readonly send: (spans: readonly ReadableSpan[]) => Promise<void>;
  readonly logger: Logger;
  /** Most that wait. */
  readonly maxWaiting: number;
  readonly maxBatch: number;
  /** How long a span waits for others. */
  readonly delayMs: number;
}

export class SpanQueue implements SpanProcessor {
  readonly #options: SpanQueueOptions;
  readonly #counts = { sent: 0, dropped: 0 };
  #waiting: ReadableSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #failing = false;
  #overflowSaid = false;
  #closed = false;

  constructor(options: SpanQueueOptions) {
    this.#options = options;
  }

  get counts(): SpanCounts {
    return { ...this.#counts };
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#closed || this.#waiting.length >= this.#options.maxWaiting) {
      this.#counts.dropped += 1;
      this.#sayOverflow();
      return;
    }
    this.#waiting.push(span);
    this.#next();
  }

  async forceFlush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#sending !== undefined) await this.#send();
  }

  /** Drops what still waits, and waits for what is on its way. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const left = this.#waiting.splice(0);
    if (left.length > 0) this.#drop(left.length, "the program ends");
    await this.#sending;
  }

  /** The last batch was not taken. */
  get isFailing(): boolean {
    return this.#failing;
  }

  #next(): void {
    if (this.#waiting.length === 0 || this.#sending !== undefined || this.#closed) return;
    if (this.#waiting.length >= this.#options.maxBatch) void this.#send();
    else this.#timer ??= setTimeout(() => void this.#send(), this.#options.delayMs).unref();
  }

  /** Never rejects. */
  #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendBatch().finally(() => {
      this.#sending = undefined;
      this.#next();
    });
    return this.#sending;
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#waiting.splice(0, this.#options.maxBatch);
    try {
      await this.#options.send(batch);
    } catch (error) {
      this.#drop(batch.length, sentenceOf(error));
      return;
    }
    this.#counts.sent += batch.length;
    if (!this.#failing) return;
    this.#failing = false;
    this.#options.logger.info({ dropped: this.#counts.dropped }, "traces are sent again");
  }

  /** Once for good: under a load that lasts it would be said with every batch. */
  #sayOverflow(): void {
    if (this.#overflowSaid || this.#failing) return;
    this.#overflowSaid = true;
    this.#options.logger.error(
      { waiting: this.#options.maxWaiting },
      "more spans than the collector takes, some are dropped; everything else goes on",
    );
  }

  #drop(count: number, why: string): void {
    this.#counts.dropped += count;
    if (this.#failing) return;
    this.#failing = true;
    this.#options.logger.error({ why }, "traces are not taken, spans are dropped; everything else goes on");
  }
}

/** Without what the collector wrote: that is foreign, and may be a whole page. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const code = "code" in error ? error.code : undefined;
  if (typeof code === "number") return `it answered with status ${code}`;
  return error.message || (typeof code === "string" ? code : error.name);
}
