/**
 * A TCP port of 127.0.0.1 that was free a moment ago. It lies below those that the kernel gives out by itself: else a connection of
 * another test, or a server that asked for any port, may have it before whoever is to listen there.
 */
import { once } from "node:events";
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
