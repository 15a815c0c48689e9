/** For people who build runners: a queue without Redis. */
export { MemoryQueue } from "./memory-queue.ts";
export type { MemoryQueueOptions } from "./memory-queue.ts";
export { MemoryStore } from "./memory-store.ts";
export type { FieldValues, MemoryStoreOptions } from "./memory-store.ts";
