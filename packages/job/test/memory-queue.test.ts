import { jobQueueModel } from "../../../test/conformance/job-queue-model.ts";
import { jobQueueSuite } from "../../../test/conformance/job-queue.ts";
import { memoryQueueStore } from "../../../test/support/queue-stores.ts";

jobQueueSuite("in memory", () => Promise.resolve(memoryQueueStore()));
jobQueueModel("in memory", () => Promise.resolve(memoryQueueStore()), 200);
