import { expect, test } from "vitest";
import * as daemon from "../src/index.ts";

test("these names are public, and no others", () => {
  expect(Object.keys(daemon).sort()).toEqual([
    "LOG_LEVELS",
    "MASK",
    "batchWrites",
    "buildInfo",
    "buildText",
    "completionCommand",
    "completionScript",
    "configurationReference",
    "crashOnBugs",
    "createLogger",
    "createShutdown",
    "defineCommand",
    "defineOptions",
    "defineProgram",
    "envName",
    "load",
    "logOptions",
    "maskUrlPasswords",
    "metricsReference",
    "noMetrics",
    "openMetrics",
    "openTracing",
    "parseTraceparent",
    "problemText",
    "processMetrics",
    "redisOptions",
    "rustLogLevel",
    "showAddress",
    "startHealth",
    "traceClock",
    "tracingOptions",
    "tryCollector",
  ]);
});
