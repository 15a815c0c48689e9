/** Bytes to a port and what comes back, for requests that no HTTP client would send. */
import { connect, type Socket } from "node:net";
import { until } from "../../../../test/support/until.ts";

export interface RawSocket {
  readonly socket: Socket;
  readonly received: () => string;
  readonly closed: () => boolean;
}

export function openRaw(port: number): RawSocket {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  let closed = false;
  socket.on("data", (chunk: Buffer) => void (received += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  socket.on("close", () => void (closed = true));
  return { socket, received: () => received, closed: () => closed };
}

/** The status of the answer to these lines, 0 when the connection is closed without one. */
export async function statusOf(port: number, lines: readonly string[], body = ""): Promise<number> {
  const raw = openRaw(port);
  raw.socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
  await until(() => raw.closed() || raw.received().includes("\r\n\r\n"), "there is an answer");
  raw.socket.destroy();
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(raw.received())?.[1] ?? 0);
}
