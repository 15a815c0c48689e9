import { expect, test } from "vitest";
import { exitCodes } from "../src/exit-codes.ts";
import { invocations } from "../src/job-options.ts";

test("exit codes, which service files depend on", () => {
  expect(exitCodes).toEqual({ drained: 0, aborted: 1, usage: 2, refused: 3 });
});

test("ways to hand over a script", () => {
  expect(invocations).toEqual(["stdin", "script", "heroscript", "file"]);
});
