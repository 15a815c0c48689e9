/**
 * The log of a daemon: INFO and DEBUG on standard output, ERROR on standard error, one event a line, for people or as JSON.
 * The message is a fixed phrase; what varies is a field. Logging never throws, never waits for a slow reader and never
 * holds more than a bounded backlog: past that, lines are dropped and counted, and the count is logged when there is room.
 * (On a terminal and into a file Node writes synchronously, so there is no backlog there.)
 */
import { escapeUnsafe, plainFields, type PlainValue } from "./log-value.ts";
import { maskUrlPasswords } from "./mask.ts";

export const LOG_LEVELS = ["INFO", "DEBUG", "ERROR"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = "text" | "json";

/** What the parts of a program log through. Fields hold anything; secrets in URLs and under telling names are masked. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger that adds these fields to each of its lines. */
  child(fields: object): Logger;
}

/** The logger of the whole process. */
export interface RootLogger extends Logger {
  /** Resolves when all that was logged is out, or after `withinMs`. Call it before `process.exit`. */
  flush(withinMs: number): Promise<void>;
}

/** The part of a writable stream the logger uses; `process.stdout` is one. */
export interface LogStream {
  readonly writableLength: number;
  write(text: string, done?: () => void): boolean;
  on(event: "error" | "drain", listener: () => void): unknown;
  /** For a stream that lets lines wait for others: writes what waits. */
  writeNow?(): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** INFO and DEBUG go here: `process.stdout`. */
  readonly out: LogStream;
  /** ERROR goes here: `process.stderr`. */
  readonly err: LogStream;
  /** Most that may wait for a slow reader, per stream; 1 MiB unless given. */
  readonly maxBacklogBytes?: number;
  /** The clock, for tests. */
  readonly now?: () => Date;
}

/** The levels that are logged at each setting. */
const LOGGED: Readonly<Record<LogLevel, readonly LogLevel[]>> = {
  DEBUG: ["DEBUG", "INFO", "ERROR"],
  INFO: ["INFO", "ERROR"],
  ERROR: ["ERROR"],
};

/** Makes the logger of a process. It listens for errors of both streams, so that a vanished reader ends nothing. */
export function createLogger(options: LoggerOptions): RootLogger {
  const { level, format, now = () => new Date(), maxBacklogBytes = 1024 * 1024 } = options;
  const render = (each: LogLevel, message: string, fields: ReadonlyMap<string, PlainValue>) =>
    renderLine(format, { time: now(), level: each, message, fields });
  const out = new Outlet(options.out, maxBacklogBytes, (dropped) =>
    render("INFO", "log lines dropped", dropped),
  );
  const err = new Outlet(options.err, maxBacklogBytes, (dropped) =>
    render("ERROR", "log lines dropped", dropped),
  );

  const loggerWith = (inherited: ReadonlyMap<string, PlainValue>): Logger => {
    const merge = (fields: object) => new Map([...inherited, ...plainFields(fields, level === "DEBUG")]);
    const log = (each: LogLevel, fields: object, message: string) => {
      if (!LOGGED[level].includes(each)) return;
      // Whoever reads both streams at one place reads an error after what led to it.
      if (each === "ERROR") options.out.writeNow?.();
      (each === "ERROR" ? err : out).write(render(each, message, merge(fields)));
    };
    return {
      debug: (fields, message) => log("DEBUG", fields, message),
      info: (fields, message) => log("INFO", fields, message),
      error: (fields, message) => log("ERROR", fields, message),
      child: (fields) => loggerWith(merge(fields)),
    };
  };
  const flush = async (withinMs: number) => {
    await Promise.all([out.flush(withinMs), err.flush(withinMs)]);
  };
  return { ...loggerWith(new Map()), flush };
}

/** One stream, with a limit to what may wait in it. */
class Outlet {
  readonly #stream: LogStream;
  readonly #maxBacklog: number;
  readonly #note: (dropped: ReadonlyMap<string, PlainValue>) => string;
  #dropped = 0;

  constructor(
    stream: LogStream,
    maxBacklog: number,
    note: (dropped: ReadonlyMap<string, PlainValue>) => string,
  ) {
    this.#stream = stream;
    this.#maxBacklog = maxBacklog;
    this.#note = note;
    // A reader that went away (EPIPE) or a full disk must not end the daemon; the next line tries again.
    stream.on("error", () => {});
    stream.on("drain", () => this.#tellDropped());
  }

  write(line: string): void {
    if (this.#stream.writableLength > this.#maxBacklog) this.#dropped++;
    else {
      this.#tellDropped();
      this.#put(line);
    }
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    const note = this.#note(new Map([["lines", this.#dropped]]));
    this.#dropped = 0;
    this.#put(note);
  }

  #put(line: string): void {
    try {
      this.#stream.write(line);
    } catch {
      this.#dropped++;
    }
  }

  flush(withinMs: number): Promise<void> {
    if (this.#stream.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#stream.write("", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

export interface LogRecord {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: ReadonlyMap<string, PlainValue>;
}

/** One event as one line, its line end included. */
export function renderLine(format: LogFormat, record: LogRecord): string {
  return format === "json" ? renderJson(record) : renderText(record);
}

function renderText({ time, level, message, fields }: LogRecord): string {
  const words = [...fields].map(([name, value]) => `${fieldName(name)}=${textValue(value)}`);
  return `${[time.toISOString(), level, escapeUnsafe(maskUrlPasswords(message)), ...words].join(" ")}\n`;
}

/** Bare where nothing can be mistaken, in quotes otherwise. */
function textValue(value: PlainValue): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const bare = text !== "" && !/[\s"'=\\]/.test(text) && escapeUnsafe(text) === text;
  return bare ? text : `"${escapeUnsafe(text.replace(/["\\]/g, "\\$&"))}"`;
}

function fieldName(name: string): string {
  return name.slice(0, 64).replace(/[^A-Za-z0-9_.-]/g, "_") || "_";
}

function renderJson({ time, level, message, fields }: LogRecord): string {
  const head = new Map<string, PlainValue>([
    ["time", time.toISOString()],
    ["level", level],
    ["message", maskUrlPasswords(message)],
  ]);
  const members = [...fields].map(([name, value]) => [head.has(name) ? `${name}_` : name, value] as const);
  return `${escapeUnsafe(JSON.stringify(Object.fromEntries([...head, ...members])))}\n`;
}
