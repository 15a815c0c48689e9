/**
 * State changes of all registered runners' jobs, and of the runners themselves, for everybody who listens. Looks only while
 * somebody does. A convenience: whoever missed something reads the state itself.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Reply } from "@herorunner/job";
import type { Logger } from "@herorunner/daemon";
import { inPortions } from "../store/in-portions.ts";
import type { RunnerRegistry } from "../store/runners.ts";
import type { RunnerViewWire } from "../rpc/schemas.ts";
import type { ServerEvent } from "./event-stream.ts";

const lookEveryMs = 250;
/** Runners are looked at once in so many rounds. */
const runnersEvery = 4;
const maxEventsPerRead = 500;

export type Listener = (event: ServerEvent) => void;

export class EventHub {
  readonly #runners: RunnerRegistry;
  readonly #logger: Logger;
  readonly #listeners = new Set<Listener>();
  #looking: AbortController | undefined;
  #looked: Promise<void> = Promise.resolve();

  constructor(runners: RunnerRegistry, logger: Logger) {
    this.#runners = runners;
    this.#logger = logger;
  }

  /** Resolves when what happens from now on will be told to those who listen by now. */
  get ready(): Promise<void> {
    return this.#looked;
  }

  /** Answers how to stop listening. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#looking === undefined) {
      const looking = new AbortController();
      this.#looking = looking;
      this.#looked = new Promise((resolve) => void this.#look(looking.signal, resolve));
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#looking?.abort();
      this.#looking = undefined;
    };
  }

  async #look(signal: AbortSignal, looked: () => void): Promise<void> {
    const places = new Map<string, string>();
    const shown = new Map<string, string>();
    let known: readonly RunnerViewWire[] = [];
    for (let round = 0; !signal.aborted; round += 1) {
      try {
        if (round % runnersEvery === 0) {
          known = await this.#runners.list();
          if (signal.aborted) break;
          this.#tellRunners(known, shown, round === 0);
        }
      } catch (error) {
        this.#logger.debug({ error }, "runners could not be read");
      }
      // One that cannot be read takes the news of no other.
      await inPortions(known, async ({ id: runner }) => {
        if (signal.aborted) return;
        await this.#readRunner(runner, places, signal).catch((error: unknown) =>
          this.#logger.debug({ error, runner }, "events could not be read"),
        );
      });
      looked();
      await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
    looked();
  }

  /** Those that changed, apart from figures that always do. */
  #tellRunners(runners: readonly RunnerViewWire[], shown: Map<string, string>, silently: boolean): void {
    const before = new Set(shown.keys());
    for (const runner of runners) {
      before.delete(runner.id);
      const { instances, ...state } = runner;
      const lasting = instances.map(({ last_poll_ms: _age, ...instance }) => instance);
      const text = JSON.stringify([state, lasting]);
      if (shown.get(runner.id) !== text && !silently) this.#tell({ event: "runner", data: runner });
      shown.set(runner.id, text);
    }
    for (const id of before) {
      shown.delete(id);
      this.#tell({ event: "runner", data: { id, removed: true } });
    }
  }

  async #readRunner(runner: string, places: Map<string, string>, signal: AbortSignal): Promise<void> {
    const keys = this.#runners.keys(runner);
    const redis = this.#runners.at(keys);
    const place = places.get(runner);
    if (place === undefined) {
      const newest = await redis.send(["XREVRANGE", keys.events, "+", "-", "COUNT", "1"]);
      places.set(runner, entriesOf(newest)[0]?.place ?? "0-0");
      return;
    }
    const from = `(${place}`;
    const found = entriesOf(
      await redis.send(["XRANGE", keys.events, from, "+", "COUNT", String(maxEventsPerRead)]),
    );
    // Whoever listens by now has a look of his own.
    if (signal.aborted) return;
    for (const { place, fields } of found) {
      places.set(runner, place);
      const reason = fields.get("reason") ?? "";
      this.#tell({
        event: "job",
        data: {
          runner,
          id: fields.get("id") ?? "",
          status: fields.get("status") ?? "",
          ...(reason === "" ? {} : { reason }),
          time: Number(place.split("-")[0]),
        },
      });
    }
    // There may be more; left for the next look they could fall out of the stream, which is capped, before they are read.
    if (found.length === maxEventsPerRead) await this.#readRunner(runner, places, signal);
  }

  #tell(event: ServerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function entriesOf(
  reply: Reply,
): readonly { readonly place: string; readonly fields: ReadonlyMap<string, string> }[] {
  return listOf(reply).map((entry) => {
    const [place = null, flat = null] = listOf(entry);
    const texts = listOf(flat).map(String);
    const fields = new Map<string, string>();
    for (let at = 0; at + 1 < texts.length; at += 2) fields.set(texts[at] ?? "", texts[at + 1] ?? "");
    return { place: String(place), fields };
  });
}

function listOf(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : []; // Array.isArray loses the element type
}
