/**
 * Reads one pipe to its end on the event loop. All streams share one buffer: a piece is consumed inside the callback,
 * so that eight floods at once cost no more memory than one.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";

const shared = Buffer.allocUnsafeSlow(64 * 1024);

export interface OutputStream {
  /** Resolves at end of file, or after `release`. */
  readonly ended: Promise<void>;
  release(): void;
}

/** Takes ownership of the descriptor. */
export function readOutput(fd: number, onBytes: (bytes: Uint8Array) => void): OutputStream {
  // The constructor takes `onread` as connect() does; the published types name it for connect() only.
  const options: SocketConstructorOpts & { onread: OnReadOpts } = {
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: shared,
      callback: (length, buffer) => {
        onBytes(buffer.subarray(0, length));
        return true;
      },
    },
  };
  const socket = new Socket(options);
  const ended = new Promise<void>((resolve) => {
    socket.once("end", resolve);
    socket.once("close", () => resolve());
  });
  // A read error ends the stream like an end of file; "close" follows it.
  socket.on("error", () => undefined);
  socket.resume();
  return { ended, release: () => void socket.destroy() };
}
