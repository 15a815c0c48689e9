/** Everybody's events to one reader. Pushed, so a reader that is slow misses some, and is told how many. */
import { once } from "node:events";
import type { EventHub } from "./event-hub.ts";
import type { EventStream, ServerEvent } from "./event-stream.ts";

export async function feedEvents(
  hub: Pick<EventHub, "listen">,
  stream: Pick<EventStream, "signal" | "isFull" | "write" | "room">,
  wanted: (event: ServerEvent) => boolean,
): Promise<void> {
  let missed = 0;
  let catchingUp = false;
  const catchUp = async (): Promise<void> => {
    catchingUp = true;
    await stream.room();
    catchingUp = false;
    stream.write({ event: "gap", data: { events: missed } });
    missed = 0;
  };
  const stop = hub.listen((event) => {
    if (!wanted(event)) return;
    if (!stream.isFull && !catchingUp) return stream.write(event);
    missed += 1;
    if (!catchingUp) void catchUp();
  });
  if (!stream.signal.aborted) await once(stream.signal, "abort");
  stop();
}
