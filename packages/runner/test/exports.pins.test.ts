import { expect, test } from "vitest";
import * as runner from "../src/index.ts";
import * as testing from "../src/testing/index.ts";

test("these names are public, and no others", () => {
  expect(Object.keys(runner).sort()).toEqual([
    "IsolationUnavailable",
    "baseEnvironment",
    "closeInheritedDescriptors",
    "createAdmit",
    "createChildExecutor",
    "createExecutor",
    "createPlainLauncher",
    "createSpawnServerLauncher",
    "defaultTiming",
    "defineRunner",
    "inspectExecutable",
    "jobEnvironment",
    "noJournal",
    "parseAllowedNames",
    "probeIsolation",
    "silentLogger",
    "stoppedOutcome",
    "systemClock",
  ]);
});

test("these names help with tests, and no others", () => {
  expect(Object.keys(testing).sort()).toEqual([
    "FakeClock",
    "RecordingLogger",
    "ScriptedExecutor",
    "execution",
  ]);
});

test("the engine's times, which the lease of 6 s is made for", () => {
  expect(runner.defaultTiming).toEqual({
    renewEveryMs: 1_500,
    reapEveryMs: 4_000,
    reapConfirmMs: 2_000,
    beatEveryMs: 7_000,
    giveUpAfterMs: 10_000,
  });
});
