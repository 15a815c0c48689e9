import { jobQueueSuite } from "../../../test/conformance/job-queue.ts";
import { memoryQueueStore } from "../../../test/support/queue-stores.ts";

jobQueueSuite("in memory", () => Promise.resolve(memoryQueueStore()));
