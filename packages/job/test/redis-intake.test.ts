/** The intake over connections that are stood in for, so that each look can be failed by itself. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keysOf, QueueError, type QueueErrorCode } from "../src/index.ts";
import { begin } from "../src/lua/begin.ts";
import { lookAgain } from "../src/lua/look-again.ts";
import type { RedisConnection, Reply } from "../src/redis/connection.ts";
import { RedisIntake } from "../src/redis-intake.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The id `late` is taken without its hash; each look fails with the next of `failures`, then it is there. */
function intake(...failures: QueueErrorCode[]) {
  const asked: Reply[][] = [
    [1, [Buffer.from("late"), Buffer.from("MISSING")]],
    [1, [Buffer.from("late"), Buffer.from("OK"), Buffer.from("token"), 1, 9, []]],
  ];
  let there = false;
  const looks: string[] = [];
  const commands = {
    run: (script: unknown, _keys: unknown, args: readonly string[]): Promise<Reply> => {
      if (script === begin && (asked.length > 1 || there)) return Promise.resolve(asked.shift() ?? [1]);
      if (script !== lookAgain) return Promise.resolve([1]);
      looks.push(String(args[1]));
      const code = failures.shift();
      if (code !== undefined) return Promise.reject(new QueueError(code, "stood in for"));
      there = true;
      return Promise.resolve(Buffer.from("REQUEUED"));
    },
  } as unknown as RedisConnection;
  const waiting = { close: () => undefined } as unknown as RedisConnection;
  const limits = { leaseMs: 6_000, blockSeconds: 1, maxClaims: 5, maxHashBytes: 1_000, resultTtlSeconds: 60 };
  const made = new RedisIntake({
    ...{ keys: keysOf("r", "hero:"), waiting, commands, owner: "test", ...limits },
    onPutAside: () => undefined,
    onPoll: () => undefined,
  });
  return { intake: made, looks };
}

const never = new AbortController().signal;

test("a look for a hash that does not reach Redis is made again, as the same one", async () => {
  const { intake: late, looks } = intake("UNAVAILABLE", "UNAVAILABLE");
  const claims = late.claim(never, false, 1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await claims).toMatchObject([{ jobId: "late" }]);
  expect(looks).toEqual(["0", "0", "0"]);
  late.close();
});

test("a look that Redis refuses is not made again", async () => {
  const { intake: late, looks } = intake("DENIED");
  const claims = late.claim(never, false, 1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([await claims, looks]).toEqual([[], ["0"]]);
  late.close();
});

test("no look is made after the end, however the last one went", async () => {
  const { intake: late, looks } = intake("UNAVAILABLE");
  const stop = new AbortController();
  const claims = late.claim(stop.signal, false, 1);
  await vi.advanceTimersByTimeAsync(99);
  vi.advanceTimersByTime(1);
  late.close();
  stop.abort();
  await vi.advanceTimersByTimeAsync(5_000);
  expect([await claims, looks, vi.getTimerCount()]).toEqual([[], ["0"], 0]);
});
