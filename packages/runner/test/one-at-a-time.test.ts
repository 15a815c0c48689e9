import { expect, test } from "vitest";
import { OneAtATime } from "../src/one-at-a-time.ts";

function setup() {
  const ends: (() => void)[] = [];
  const work = new OneAtATime(() => new Promise((resolve) => ends.push(resolve)));
  return { ends, work };
}

test("all who ask during a round share one more round, which begins after that one", async () => {
  const { ends, work } = setup();
  const first = work.run();
  const later = [work.run(), work.run(), work.run()];
  expect(ends).toHaveLength(1);
  ends[0]!();
  await first;
  await Promise.resolve();
  expect(ends).toHaveLength(2);
  ends[1]!();
  await Promise.all(later);
  expect(ends).toHaveLength(2);
});

test("idle resolves when the last asked round has ended", async () => {
  const { ends, work } = setup();
  void work.run();
  void work.run();
  let idle = false;
  const waited = work.idle().then(() => (idle = true));
  ends[0]!();
  await new Promise((resolve) => setImmediate(resolve));
  expect(idle).toBe(false);
  ends[1]!();
  await waited;
});
