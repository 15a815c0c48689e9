import { createTrust } from "@herorunner/job/trust";
import type { RunnerHealth } from "@herorunner/runner";
import { expect, test } from "vitest";
import { healthOf, readiness, readinessOf } from "../src/health.ts";
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

function checked(runner: RunnerHealth | undefined, problem?: string) {
  const { state, polls } = watch();
  const unused = () => {
    throw new Error("not asked here");
  };
  const handle = runner && {
    health: () => runner,
    ...{ drain: unused, abort: unused, stopped: Promise.resolve({ settled: 0, aborted: 0 }) },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const reloads = { ok: 0, failed: 0 };
  const trust = {
    current: () => createTrust({ mode: "off", runner: "r" }),
    state: () => ({ reloads, reloadedAtMs: undefined, problem, signers: undefined }),
  };
  return {
    state,
    polls,
    all: { live: handle === undefined ? {} : { handle }, polls, trust, version: "1.2.3" },
  };
}

test("a wait for jobs that hangs while Redis is well makes the process unhealthy; trouble with Redis does not", () => {
  const { state, polls, all } = checked(fine);
  polls.asked();
  state.nowMs = 59_000;
  expect(healthOf(all)).toMatchObject({ reasons: [], details: { version: "1.2.3" } });
  state.nowMs = 61_000;
  expect(healthOf(all).reasons).toEqual([
    "a wait for jobs has hung for 61 s although Redis is not in trouble; restart herorunner",
  ]);
  const away = checked({ ...fine, trouble: "Redis is away", troubleCode: "UNAVAILABLE" });
  away.polls.asked();
  away.state.nowMs = 61_000;
  expect(healthOf(away.all).reasons).toEqual([]);
});

test("an old trust file in force is a reason, before the runner lives as well", () => {
  const reason = "the trust file is not usable, an old one is in force: no good";
  expect(readinessOf(checked(fine, "no good").all).reasons).toEqual([reason]);
  expect(readinessOf(checked(undefined, "no good").all).reasons).toEqual([
    "starting: no jobs are taken yet",
    reason,
  ]);
  expect(readinessOf(checked(fine).all)).toMatchObject({
    reasons: [],
    details: { signatures: "off", trust_problem: null, trust_reloaded_at_ms: null },
  });
});
