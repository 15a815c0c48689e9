/**
 * A TCP port in front of a server's unix socket that can misbehave as networks do: swallow everything while keeping
 * connections open, refuse, cut, or lose the reply to one particular request after the server has carried it out.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  /** Bytes vanish in both directions, connections stay open: what a dead host behind a firewall looks like. */
  swallow(on: boolean): void;
  /** New connections are closed at once. */
  refuse(on: boolean): void;
  /** Ends all connections now. */
  cut(): void;
  /** The next request that holds `text` reaches the server; its reply does not come back, the connection breaks. */
  loseReplyTo(text: string): void;
  /** How many replies were lost so far. */
  readonly lostReplies: number;
  readonly connections: number;
  stop(): Promise<void>;
}

export async function startTcpProxy(socketPath: string): Promise<TcpProxy> {
  const pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  let [swallowing, refusing, lostReplies] = [false, false, 0];
  let doomedText: string | undefined;
  const server = createServer((near) => {
    near.on("error", () => undefined);
    if (refusing) return void near.destroy();
    const far = connect(socketPath);
    const pair = { near, far };
    let doomed = false;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on("data", (chunk) => {
      if (swallowing) return;
      if (doomedText !== undefined && chunk.includes(doomedText)) {
        doomed = true;
        doomedText = undefined;
      }
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      if (swallowing) return;
      if (!doomed) return void near.write(chunk);
      lostReplies += 1;
      end();
    });
    far.on("error", end).on("close", end);
    near.on("close", end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // a TCP server's address is no string
  const cut = (): void => {
    for (const { near, far } of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  const stop = async (): Promise<void> => {
    cut();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    swallow: (on) => void (swallowing = on),
    refuse: (on) => void (refusing = on),
    cut,
    loseReplyTo: (text) => void (doomedText = text),
    get lostReplies() {
      return lostReplies;
    },
    get connections() {
      return pairs.size;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
