/** A stream whose reader takes nothing until it is told to. */
import type { LogStream } from "../../src/index.ts";

export class SlowStream implements LogStream {
  readonly taken: string[] = [];
  readonly #waiting: { text: string; done: (() => void) | undefined }[] = [];
  readonly #listeners = new Map<string, (() => void)[]>();
  #open: boolean;

  constructor(open = true) {
    this.#open = open;
  }

  get writableLength(): number {
    return this.#waiting.reduce((sum, { text }) => sum + text.length, 0);
  }

  get text(): string {
    return this.taken.join("");
  }

  write(text: string, done?: () => void): boolean {
    this.#waiting.push({ text, done });
    if (this.#open) this.read();
    return this.#open;
  }

  on(event: "error" | "drain", listener: () => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  emit(event: "error" | "drain"): void {
    for (const listener of this.#listeners.get(event) ?? []) listener();
  }

  /** Takes all that waits, and from now on everything at once. */
  read(): void {
    this.#open = true;
    for (const { text, done } of this.#waiting.splice(0)) {
      this.taken.push(text);
      done?.();
    }
  }
}
