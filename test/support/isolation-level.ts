/** The executor suite for an isolation level that a machine may or may not have. Not having it is tested too, never skipped. */
import { createExecutor, type IsolationLevel, probeIsolation } from "@herorunner/runner";
import { describe, expect, it } from "vitest";
import { executorSuite, type ExecutorSuiteOptions } from "../conformance/executor.ts";

export async function levelSuite(level: IsolationLevel, options: ExecutorSuiteOptions): Promise<void> {
  const report = (await probeIsolation()).find((one) => one.level === level);
  if (report?.available === true) {
    executorSuite(`level ${level}`, () => createExecutor({ isolation: level }), options);
    return;
  }
  describe(`Executor: level ${level} is not available here`, () => {
    it("is refused with the reason", async () => {
      expect(report?.reason).toMatch(/.{10}/);
      await expect(createExecutor({ isolation: level })).rejects.toThrow(
        `isolation level ${level} is not available: ${report?.reason}`,
      );
    });
  });
}
