import { expect, test } from "vitest";
import { rustLogLevel } from "../src/index.ts";

test.each([
  ["debug", "DEBUG"],
  ["TRACE", "DEBUG"],
  ["info", "INFO"],
  ["warn", "ERROR"],
  ["error", "ERROR"],
  ["off", "ERROR"],
  ["herorunner", "DEBUG"],
  ["herorunner=debug,info", "DEBUG"],
  ["info,herorunner=debug", "DEBUG"],
  ["debug,herorunner=error", "ERROR"],
  ["herorunner::queue=debug,info", "DEBUG"],
  ["debug,hyper=warn", "DEBUG"],
  [" info , redis = trace ", "INFO"],
  ["info/timeout", "INFO"],
  ["redis=debug", undefined],
  ["loud", undefined],
  ["", undefined],
  [",,=", undefined],
])("RUST_LOG=%s asks for %s", (text, level) => {
  expect(rustLogLevel(text, "herorunner")).toBe(level);
});
