import { QueueError } from "@herorunner/job";
import { expect, test } from "vitest";
import { Patience, pauseMs } from "../src/patience.ts";
import { FakeClock, RecordingLogger } from "../src/testing/index.ts";

const away = new QueueError("UNAVAILABLE", "Redis is away");
const full = new QueueError("FULL", "Redis is full");
const never = new AbortController().signal;

function setup() {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  return { clock, logger, patience: new Patience(clock, logger, () => 1) };
}

/** Fails `times` times, then answers. */
function failing(times: number, error: Error = away) {
  let tries = 0;
  const work = () => (++tries > times ? Promise.resolve("there") : Promise.reject(error));
  return { work, tries: () => tries };
}

test("a call is repeated until it succeeds, and an outage is told once when it begins and once when it is over", async () => {
  const { clock, logger, patience } = setup();
  const { work } = failing(6);
  const answer = patience.until("claim", work, never);
  await clock.advance(10_000);
  expect(await answer).toBe("there");
  expect(logger.lines.filter((line) => line.level !== "debug")).toEqual([
    {
      level: "error",
      message: "the queue is in trouble; trying again until it is back",
      fields: { code: "UNAVAILABLE", error: "Redis is away" },
    },
    { level: "info", message: "the queue is back", fields: { away_ms: 50 + 100 + 200 + 400 + 800 + 1600 } },
  ]);
});

test("pauses double from 50 ms to 2 s, and chance takes away up to a half", () => {
  expect([0, 1, 2, 5, 6, 7, 60].map((round) => pauseMs(round, 1))).toEqual([
    50, 100, 200, 1_600, 2_000, 2_000, 2_000,
  ]);
  expect(pauseMs(0, 0)).toBe(25);
  expect(pauseMs(60, 0)).toBe(1_000);
});

test("while one is refused and another one is served the outage goes on, and is not told again", async () => {
  const { logger, patience } = setup();
  for (let round = 0; round < 5; round += 1) {
    patience.failed("claim", full);
    patience.succeeded("renew");
  }
  expect(logger.messages("error")).toHaveLength(1);
  expect(logger.messages("info")).toEqual([]);
  expect(patience.trouble).toBe("Redis is full");
  patience.succeeded("claim");
  expect(patience.trouble).toBeUndefined();
  expect(logger.messages("info")).toEqual(["the queue is back"]);
});

test("kinds of trouble that take turns are told once each in an outage, and again in the next one", () => {
  const { logger, patience } = setup();
  for (let round = 0; round < 4; round += 1) {
    patience.failed("claim", away);
    patience.failed("claim", new QueueError("UNAVAILABLE", `in other words, ${round}`));
    patience.failed("claim", full);
  }
  const told = logger.lines.filter((line) => line.level === "error").map((line) => line.fields["error"]);
  expect(told).toEqual(["Redis is away", "Redis is full"]);
  patience.succeeded("claim");
  patience.failed("claim", away);
  expect(logger.messages("error")).toHaveLength(3);
});

test("a claim that waits without a word does not prolong an outage that is over for others", () => {
  const { logger, patience } = setup();
  patience.failed("claim", away);
  patience.failed("settle", away);
  patience.succeeded("renew");
  expect(patience.trouble).toBe("Redis is away"); // the settle has had no answer yet
  patience.succeeded("settle");
  expect(patience.trouble).toBeUndefined();
  expect(logger.messages("info")).toEqual(["the queue is back"]);
});

test("success without an outage says nothing", async () => {
  const { logger, patience } = setup();
  await patience.until("claim", () => Promise.resolve(1), never);
  patience.succeeded("renew");
  expect(logger.lines).toEqual([]);
});

test("a signal ends the waiting after one more try, and that is not taken for the end of the outage", async () => {
  const { logger, patience } = setup();
  const giveUp = new AbortController();
  const { work, tries } = failing(99);
  const answer = patience.until("settle", work, giveUp.signal);
  await new Promise((resolve) => setImmediate(resolve));
  giveUp.abort();
  expect(await answer).toBeUndefined();
  expect(tries()).toBe(2);
  expect(patience.trouble).toBeUndefined();
  expect(logger.messages("info")).toEqual([]);
});

test("a call that answers only because it was told to stop is no good news", async () => {
  const { logger, patience } = setup();
  const draining = new AbortController();
  patience.failed("claim", away);
  draining.abort();
  await patience.until("claim", () => Promise.resolve(undefined), draining.signal);
  expect(logger.messages("info")).toEqual([]);
});

test("when the signal has aborted already there is still one try", async () => {
  const { patience } = setup();
  expect(await patience.until("settle", failing(0).work, AbortSignal.abort())).toBe("there");
});

test("an error that is no QueueError is a bug and comes out", async () => {
  const { patience } = setup();
  const work = failing(1, new TypeError("bug")).work;
  await expect(patience.until("claim", work, never)).rejects.toThrow("bug");
});

test("a claim that a full queue refused waits quietly once a heartbeat gets through; a renewal proves nothing", () => {
  const { logger, patience } = setup();
  patience.failed("claim", full);
  expect([patience.trouble, patience.troubleCode]).toEqual(["Redis is full", "FULL"]);
  patience.succeeded("renew");
  expect(patience.troubleCode).toBe("FULL");
  patience.succeeded("beat");
  expect([patience.trouble, patience.troubleCode]).toEqual([undefined, undefined]);
  expect(logger.lines.at(-1)?.message).toBe("the queue is back");
});
