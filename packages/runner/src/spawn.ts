/** Builds the parts around a runner, starts them, and takes them down in order. */
import { setMaxListeners } from "node:events";
import { type JobOutcome, type Presence, QueueError } from "@herorunner/job";
import { refusingOnBugs } from "./admit.ts";
import { attend } from "./attend.ts";
import { PauseGate } from "./gate.ts";
import {
  defaultTiming,
  noJournal,
  type RunnerEvent,
  type RunnerHost,
  type RunningHost,
  type RunnerTiming,
} from "./host.ts";
import { LeaseKeeper } from "./lease.ts";
import { runLoop } from "./loop.ts";
import { Patience } from "./patience.ts";
import { silentLogger, systemClock } from "./ports.ts";
import { Reaper } from "./reaper.ts";
import type { Runner, RunnerHandle, RunnerHealth, RunnerSummary } from "./runner.ts";
import { Slots } from "./slots.ts";

export function spawnRunner(runner: Runner, given: RunnerHost): RunnerHandle {
  refuseHalfPresence(given);
  const clock = given.clock ?? systemClock;
  const logger = given.logger ?? silentLogger;
  const timing: RunnerTiming = { ...defaultTiming, ...given.timing };
  const draining = new AbortController();
  const givingUp = new AbortController();
  setMaxListeners(0, draining.signal, givingUp.signal); // each slot may wait on them; Node takes eleven for a leak
  const counts = { settled: 0, aborted: 0 };
  const tell = (event: RunnerEvent): void => {
    if (event.kind === "settled") counts.settled += 1;
    if (event.kind === "unsettled" || (event.kind === "settled" && isShutdown(event.outcome))) {
      counts.aborted += 1;
    }
    given.onEvent?.(event);
  };
  const patience = new Patience(clock, logger);
  const host: RunningHost = {
    queue: given.queue,
    clock,
    logger,
    tell,
    patience,
    admit: refusingOnBugs(given.admit, logger),
    journal: given.journal ?? noJournal,
    signReceipt: given.signReceipt,
    slots: new Slots(given.concurrency),
    leases: new LeaseKeeper(given.queue, patience, timing.renewEveryMs),
    gate: new PauseGate(draining.signal, {
      known: given.presence === undefined || given.instance === undefined,
    }),
    draining: draining.signal,
    givingUp: givingUp.signal,
    burst: given.burst ?? false,
    claimOptions: { wait: given.burst !== true },
  };
  host.leases.onRenewed = (answers) => tell({ kind: "renewed", answers });
  let giveUpTimer: NodeJS.Timeout | undefined;
  let hasStopped = false;
  const abort = (): void => {
    draining.abort();
    if (giveUpTimer !== undefined || hasStopped) return;
    host.leases.abortAll();
    giveUpTimer = setTimeout(() => givingUp.abort(), timing.giveUpAfterMs);
  };
  const stopped = live(runner, host, given, timing).finally(() => {
    hasStopped = true;
    clearTimeout(giveUpTimer);
  });
  return {
    drain: () => draining.abort(),
    abort,
    stopped: stopped.then((): RunnerSummary => counts),
    health: () => healthOf(host),
    async [Symbol.asyncDispose]() {
      draining.abort();
      await this.stopped;
    },
  };
}

/** Half of it would do nothing, and nobody would notice. */
function refuseHalfPresence({ presence, instance }: RunnerHost): void {
  if ((presence === undefined) === (instance === undefined)) return;
  throw new TypeError(
    "spawn() takes presence and instance together: the one tells others what the other says",
  );
}

function isShutdown(outcome: JobOutcome): boolean {
  return outcome.kind === "error" && outcome.reason === "shutdown";
}

function healthOf(host: RunningHost): RunnerHealth {
  return {
    busy: host.slots.busy,
    slots: host.slots.size,
    paused: host.gate.paused,
    draining: host.draining.aborted,
    trouble: host.patience.trouble,
    troubleCode: host.patience.troubleCode,
  };
}

/** Everything that goes on beside the loop ends after it, so that leases are renewed while the last jobs run. */
async function live(
  runner: Runner,
  host: RunningHost,
  given: RunnerHost,
  timing: RunnerTiming,
): Promise<void> {
  const ending = new AbortController();
  const reaper = new Reaper({
    queue: host.queue,
    clock: host.clock,
    onEvent: host.tell,
    everyMs: timing.reapEveryMs,
    confirmMs: timing.reapConfirmMs,
  });
  const beside = [reaper.run(ending.signal)];
  const { presence, instance } = given;
  if (presence !== undefined && instance !== undefined) {
    beside.push(attend(presence, instance, host, { beatEveryMs: timing.beatEveryMs, ending: ending.signal }));
  }
  try {
    await Promise.race([runLoop(runner, host), endsEarly(beside)]);
  } finally {
    ending.abort();
    await Promise.allSettled([...beside, host.leases.close()]);
    if (presence !== undefined && instance !== undefined) await leave(presence, instance.owner);
  }
}

/** Only a bug ends one of them before the loop; it must not go unheard. */
async function endsEarly(beside: readonly Promise<void>[]): Promise<never> {
  await Promise.all(beside);
  return new Promise<never>(() => undefined);
}

async function leave(presence: Presence, owner: string): Promise<void> {
  await presence.leave(owner).catch((error: unknown) => {
    if (!(error instanceof QueueError)) throw error; // away: the heartbeat expires by itself
  });
}
