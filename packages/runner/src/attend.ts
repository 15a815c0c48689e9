/** Being there: heartbeats, and an ear for wake-ups (cancel, pause). What is heard is a hint; the truth is asked for. */
import { type ControlHandlers, type Presence, QueueError } from "@herorunner/job";
import type { InstanceFacts, RunningHost } from "./host.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import { pauseMs } from "./patience.ts";

interface AttendOptions {
  readonly beatEveryMs: number;
  readonly ending: AbortSignal;
}

/** An ear that lasted this long was a good one: the next loss is met at once again. */
const goodListenMs = 10_000;

/** Resolves when `ending` has aborted and the last heartbeat is over, so that none comes after `leave`. */
export async function attend(
  presence: Presence,
  instance: InstanceFacts,
  host: RunningHost,
  options: AttendOptions,
): Promise<void> {
  const heartbeat = new OneAtATime(() => beat(presence, instance, host));
  const handlers: ControlHandlers = {
    owner: instance.owner,
    onCancel: () => void host.leases.renewNow(),
    onSettings: () => void heartbeat.run(),
  };
  await Promise.all([
    beatRegularly(heartbeat, host, options),
    listenAlways(presence, handlers, host, options.ending),
  ]);
  await heartbeat.idle();
}

async function beat(presence: Presence, instance: InstanceFacts, host: RunningHost): Promise<void> {
  const { slots } = host;
  const report = { ...instance, slots: slots.size, busy: slots.busy, lastPollMs: instance.lastPollMs() };
  try {
    const { paused } = await presence.beat(report);
    host.patience.succeeded("beat");
    if (paused !== host.gate.paused)
      host.logger.info({}, paused ? "paused: no jobs are taken" : "resumed: jobs are taken again");
    host.gate.setPaused(paused);
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    host.patience.failed("beat", error);
    // Who may not ask goes on as it was; who is not answered asks again, before anything is taken.
    if (error.code === "DENIED" || error.code === "REJECTED") host.gate.setPaused(host.gate.paused);
  }
}

async function beatRegularly(
  heartbeat: OneAtATime,
  host: RunningHost,
  options: AttendOptions,
): Promise<void> {
  for (let round = 0; !options.ending.aborted; round += 1) {
    await heartbeat.run();
    const untilNextMs = host.gate.isKnown ? options.beatEveryMs : pauseMs(round, Math.random());
    await host.clock.sleep(untilNextMs, options.ending);
  }
}

async function listenAlways(
  presence: Presence,
  handlers: ControlHandlers,
  host: RunningHost,
  ending: AbortSignal,
): Promise<void> {
  for (let round = 0; !ending.aborted; round += 1) {
    const startedMs = host.clock.monotonicMs();
    try {
      await presence.listen(handlers, ending);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error; // away: the heartbeat says so
    }
    if (host.clock.monotonicMs() - startedMs > goodListenMs) round = 0;
    await host.clock.sleep(pauseMs(round, Math.random()), ending);
  }
}
