/** For tests of runners: a clock that stands still, a logger that remembers, an executor without processes. */
export { FakeClock } from "./fake-clock.ts";
export { RecordingLogger } from "./recording-logger.ts";
export type { LoggedLine } from "./recording-logger.ts";
export { execution, ScriptedExecutor } from "./scripted-executor.ts";
export type { ExecutionParts, Script } from "./scripted-executor.ts";
