/** One line on a terminal that says what a job is doing, kept up to date and gone when there is something else to read. */
import type { OutputPort } from "./shell.ts";
import { shortDuration } from "./text.ts";

const tickMs = 1_000;
const clearLine = "\r\u001b[K";

export class Progress {
  readonly #port: OutputPort;
  readonly #enabled: boolean;
  #text = "";
  #sinceMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Shows nothing unless `enabled` and the port is a terminal. */
  constructor(port: OutputPort, enabled: boolean) {
    this.#port = port;
    this.#enabled = enabled && port.isTerminal;
  }

  /** Shows the text with the time since this call behind it. */
  show(text: string): void {
    if (!this.#enabled) return;
    this.#text = text;
    this.#sinceMs = performance.now();
    this.#draw();
    this.#timer ??= setInterval(() => this.#draw(), tickMs);
  }

  /** Takes the line away for what is written next. It comes back with the next second. */
  clear(): void {
    if (this.#timer !== undefined) void this.#port.write(clearLine);
  }

  /** Takes the line away. A later show() brings it back. */
  hide(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    void this.#port.write(clearLine);
  }

  #draw(): void {
    const passedMs = performance.now() - this.#sinceMs;
    const passed =
      passedMs < tickMs ? "" : `, ${shortDuration(Math.floor(passedMs / 1000) * 1000).replace(".0 s", " s")}`;
    // A line that wraps cannot be taken away again.
    const width = (this.#port.columns?.() || Infinity) - 1;
    const end = `${passed} …`;
    const room = Math.max(0, width - end.length);
    const over = this.#text.length - room;
    const text = over <= 0 ? this.#text : `…${this.#text.slice(over + 1)}`; // its end says what is new
    void this.#port.write(`${clearLine}${`${text}${end}`.slice(0, width)}`);
  }
}
