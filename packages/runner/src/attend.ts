/** Being there: heartbeats, and an ear for wake-ups (cancel, pause). What is heard is a hint; the truth is asked for. */
import { type Presence, QueueError } from "@herorunner/job";
import type { InstanceFacts, RunningHost } from "./host.ts";
import { pauseMs } from "./patience.ts";

interface AttendOptions {
  readonly beatEveryMs: number;
  readonly ending: AbortSignal;
}

/** Resolves when `ending` aborts. */
export async function attend(
  presence: Presence,
  instance: InstanceFacts,
  host: RunningHost,
  options: AttendOptions,
): Promise<void> {
  const beat = async (): Promise<void> => {
    const report = {
      ...instance,
      slots: host.slots.size,
      busy: host.slots.busy,
      lastPollMs: instance.lastPollMs(),
    };
    try {
      const { paused } = await presence.beat(report);
      host.gate.setPaused(paused);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      host.patience.failed(error);
    }
  };
  await Promise.all([
    beatRegularly(beat, host, options),
    listenAlways(presence, instance, host, { ...options, beat }),
  ]);
}

async function beatRegularly(
  beat: () => Promise<void>,
  host: RunningHost,
  options: AttendOptions,
): Promise<void> {
  while (!options.ending.aborted) {
    await beat();
    await host.clock.sleep(options.beatEveryMs, options.ending);
  }
}

async function listenAlways(
  presence: Presence,
  instance: InstanceFacts,
  host: RunningHost,
  options: AttendOptions & { readonly beat: () => Promise<void> },
): Promise<void> {
  const handlers = {
    owner: instance.owner,
    onCancel: () => void host.leases.renewNow(),
    onSettings: () => void options.beat(),
  };
  for (let round = 0; !options.ending.aborted; round += 1) {
    const startedMs = host.clock.monotonicMs();
    try {
      await presence.listen(handlers, options.ending);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
    }
    if (host.clock.monotonicMs() - startedMs > 10_000) round = 0;
    await host.clock.sleep(pauseMs(round, Math.random()), options.ending);
  }
}
