/** The public names of @herorunner/runner, listed one by one. A test pins the list. */
export { createAdmit } from "./admit.ts";
export type { Admission, Admit, AdmitPolicy, Refusal, Verdict } from "./admit.ts";
export { createChildExecutor, createExecutor } from "./child/child-executor.ts";
export type { ChildExecutor, ChildExecutorOptions, CreateExecutorOptions } from "./child/child-executor.ts";
export { inspectExecutable } from "./child/executable.ts";
export type { StartProblem } from "./child/executable.ts";
export type { FenceMaker } from "./child/fence.ts";
export { closeInheritedDescriptors } from "./child/inherited-descriptors.ts";
export { IsolationUnavailable, probeIsolation } from "./child/isolation.ts";
export type { IsolationLevel, IsolationWish, LevelReport } from "./child/isolation.ts";
export type { Launcher } from "./child/launcher.ts";
export { createPlainLauncher } from "./child/plain-launcher.ts";
export { createSpawnServerLauncher } from "./child/spawn-server-launcher.ts";
export type { SpawnServerLauncher, SpawnServerLauncherOptions } from "./child/spawn-server-launcher.ts";
export { baseEnvironment, jobEnvironment, parseAllowedNames } from "./environment.ts";
export type {
  AllowedNames,
  BaseEnvironmentOptions,
  EnvironmentFacts,
  EnvironmentPolicy,
  JobEnvironment,
} from "./environment.ts";
export type { Command, Ending, Execution, Executor, OutputListener, WarmTemplate } from "./executor.ts";
export { defaultTiming, noJournal } from "./host.ts";
export type {
  InstanceFacts,
  ReplayJournal,
  RunnerEvent,
  RunnerHost,
  RunnerTiming,
  SignReceipt,
} from "./host.ts";
export type { StopReason } from "./lease.ts";
export { stoppedOutcome } from "./loop.ts";
export { silentLogger, systemClock } from "./ports.ts";
export type { Clock, Logger } from "./ports.ts";
export { defineRunner } from "./runner.ts";
export type { JobContext, Runner, RunnerHandle, RunnerHealth, RunnerSummary } from "./runner.ts";
