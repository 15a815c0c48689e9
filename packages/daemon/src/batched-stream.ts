/**
 * Log lines that come close together go out in one write. A write to a pipe wakes its reader, which costs as much as all
 * the rest of a line, and would stand between a job and its start. Nobody who reads a log notices a few milliseconds.
 */
import type { LogStream } from "./logger.ts";

/** How long a line may wait for others. */
const waitMs = 5;
/** A batch this long goes out at once. */
const fullLength = 64 * 1024;

/** `stream`, written to some milliseconds later at most; at once when the process exits, and by `writeNow`. */
export function batchWrites(stream: LogStream, process: Pick<NodeJS.EventEmitter, "once">): LogStream {
  let waiting = "";
  let timer: NodeJS.Timeout | undefined;
  const writeNow = (): boolean => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === "") return true;
    const text = waiting;
    waiting = "";
    try {
      return stream.write(text);
    } catch {
      return false; // as with every reader that went away: the next line tries again
    }
  };
  process.once("exit", writeNow);
  return {
    get writableLength() {
      return waiting.length + stream.writableLength;
    },
    write: (text, done) => {
      waiting += text;
      if (done !== undefined) {
        const isOpen = writeNow();
        stream.write("", done);
        return isOpen;
      }
      if (waiting.length >= fullLength) return writeNow();
      timer ??= setTimeout(writeNow, waitMs);
      return true;
    },
    on: (event, listener) => stream.on(event, listener),
    writeNow,
  };
}
