/** A whole engine over a memory queue that can be troubled: what a test of the loop needs, ended with the test. */
import { MemoryQueue, MemoryStore } from "@herorunner/job/testing";
import { onTestFinished } from "vitest";
import type { RunnerEvent, RunnerHost } from "../../src/host.ts";
import { createAdmit, defineRunner, type Runner } from "../../src/index.ts";
import { RecordingLogger } from "../../src/testing/index.ts";
import { troubledQueue } from "./troubled-queue.ts";

export interface EngineOptions extends Pick<
  RunnerHost,
  "journal" | "burst" | "clock" | "presence" | "instance" | "signReceipt"
> {
  readonly concurrency?: number;
  readonly giveUpAfterMs?: number;
  readonly beatEveryMs?: number;
  /** In the queue before the runner starts. */
  readonly jobs?: Readonly<Record<string, Record<string, string>>>;
  readonly admit?: (runner: Runner) => RunnerHost["admit"];
}

export function engine(processJob: Runner["processJob"], options: EngineOptions = {}) {
  const { concurrency = 1, giveUpAfterMs = 1_000, beatEveryMs = 20 } = options;
  const { jobs = {}, admit = createAdmit } = options;
  const store = new MemoryStore();
  for (const [id, fields] of Object.entries(jobs)) store.submit(id, fields);
  const memory = new MemoryQueue({ store });
  const queue = troubledQueue(memory);
  const logger = new RecordingLogger();
  const events: RunnerEvent[] = [];
  const runner = defineRunner({ runnerType: "test", runnerId: store.runner, processJob });
  const handle = runner.spawn({
    ...options,
    ...{ queue, logger, concurrency },
    admit: admit(runner),
    onEvent: (event) => void events.push(event),
    timing: { renewEveryMs: 5, giveUpAfterMs, beatEveryMs },
  });
  const end = async () => {
    handle.drain();
    return handle.stopped;
  };
  onTestFinished(async () => {
    handle.abort();
    await handle.stopped.catch(() => undefined);
    memory.close();
  });
  return {
    ...{ store, queue, logger, events, handle, end },
    kinds: () => events.map((event) => event.kind),
    /** Nothing is taken and nothing waits. */
    gone: () => store.active.length === 0 && store.leases.size === 0 && store.queue.length === 0,
  };
}
