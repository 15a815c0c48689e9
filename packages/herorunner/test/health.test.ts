import type { RunnerHealth } from "@herorunner/runner";
import { expect, test } from "vitest";
import { readiness } from "../src/health.ts";
import { PollWatch } from "../src/poll-watch.ts";

const fine: RunnerHealth = {
  ...{ busy: 0, slots: 2, paused: false, draining: false },
  ...{ trouble: undefined, troubleCode: undefined },
};

function watch() {
  const state = { nowMs: 0 };
  return { state, polls: new PollWatch(() => state.nowMs) };
}

test("a runner that waits for its first answer is ready, for a while", () => {
  const { state, polls } = watch();
  polls.asked();
  expect(readiness(fine, polls)).toEqual({
    reasons: [],
    details: {
      ...{ last_poll_ms: null, busy: 0, slots: 2, paused: false, draining: false },
      redis_trouble: null,
    },
  });
  state.nowMs = 15_001;
  expect(readiness(fine, polls).reasons).toEqual(["the queue has not answered for 15 s"]);
});

test("answers keep it ready, silence does not", () => {
  const { state, polls } = watch();
  polls.asked();
  for (state.nowMs = 5_000; state.nowMs <= 60_000; state.nowMs += 5_000) {
    polls.answered();
    expect(readiness(fine, polls).reasons).toEqual([]);
  }
  state.nowMs = 60_000 + 15_001;
  expect(readiness(fine, polls).reasons).toHaveLength(1);
});

test("a full runner does not ask and stays ready; after a long job it has time to ask again", () => {
  const { state, polls } = watch();
  polls.asked();
  polls.answered();
  state.nowMs = 600_000;
  expect(readiness({ ...fine, busy: 2 }, polls).reasons).toEqual([]);
  polls.asked();
  expect(readiness(fine, polls).reasons).toEqual([]);
  state.nowMs += 15_001;
  expect(readiness(fine, polls).reasons).toHaveLength(1);
});

test("trouble and draining are told; a pause is a detail and no fault", () => {
  const { polls } = watch();
  const full = { trouble: "OOM command not allowed", troubleCode: "FULL" } as const;
  expect(readiness({ ...fine, ...full, draining: true }, polls)).toMatchObject({
    reasons: [
      "draining: no more jobs are taken",
      "Redis is full: it takes no new jobs; endings are stored all the same",
      "OOM command not allowed",
    ],
    details: { redis_trouble: "full", draining: true },
  });
  expect(readiness({ ...fine, paused: true }, polls)).toMatchObject({
    reasons: [],
    details: { paused: true },
  });
});
