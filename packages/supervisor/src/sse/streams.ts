/** All open event streams: how many there may be, and whether those who read them still may. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { LoggedIn } from "../auth/login.ts";
import { RpcError, toRpcError } from "../rpc/errors.ts";
import { EventStream, type StreamLimits } from "./event-stream.ts";

export interface OpenStream {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly login: LoggedIn;
  readonly headers: Readonly<Record<string, string>>;
  /** Writes until the stream's signal aborts or there is nothing more to say. */
  readonly feed: (stream: EventStream) => Promise<void>;
}

export class Streams {
  readonly #limits: StreamLimits;
  readonly #open = new Set<EventStream>();
  #opened = 0;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#open.size;
  }

  /** How many there were so far. */
  get opened(): number {
    return this.#opened;
  }

  /** Throws RpcError when there are too many; resolves when the stream has ended. */
  async serve({ request, response, login, headers, feed }: OpenStream): Promise<void> {
    if (this.#open.size >= this.#limits.maxStreams) {
      throw new RpcError("too_many_requests", `there are ${this.#open.size} open streams`, {
        reason: "too_many_streams",
      });
    }
    const stream = new EventStream(request, response, this.#limits, headers);
    // It asks for the headers only, and would wait for ever: nothing that is written sends them.
    if (request.method === "HEAD") return stream.end();
    this.#open.add(stream);
    this.#opened += 1;
    const recheck = setInterval(() => {
      // While nobody can tell, it goes on.
      login.stillValid().then(
        (valid) => (valid ? undefined : stream.drop("key_revoked")),
        () => undefined,
      );
    }, this.#limits.recheckMs);
    try {
      await feed(stream);
    } catch (error) {
      // Or the reader would take it for all there is.
      stream.drop(toRpcError(error)?.data.reason ?? "internal");
      throw error;
    } finally {
      clearInterval(recheck);
      this.#open.delete(stream);
      stream.end();
    }
  }

  /** Ends all streams with a mark: readers find another supervisor, or this one again. */
  endAll(): void {
    for (const stream of this.#open) stream.drop("shutdown");
  }
}
