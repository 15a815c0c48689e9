import { expect, test } from "vitest";
import { Slots } from "../src/slots.ts";

const never = new AbortController().signal;

test("as many reservations as slots are given at once, and the next one waits for a job to end", async () => {
  const slots = new Slots(2);
  const ends: (() => void)[] = [];
  for (let i = 0; i < 2; i += 1) {
    await slots.reserve(never);
    slots.run(() => new Promise((resolve) => ends.push(resolve)));
  }
  let third = false;
  const reserved = slots.reserve(never).then(() => (third = true));
  await Promise.resolve();
  expect({ third, busy: slots.busy }).toEqual({ third: false, busy: 2 });
  ends[0]!();
  await reserved;
  expect({ third, busy: slots.busy }).toEqual({ third: true, busy: 1 });
});

test("a reservation that is given back unused makes room for another one", async () => {
  const slots = new Slots(1);
  await slots.reserve(never);
  const second = slots.reserve(never);
  slots.free();
  await second;
  expect(slots.busy).toBe(0);
});

test("a waiting reservation ends when its signal aborts, and leaves no listener behind", async () => {
  const slots = new Slots(1);
  const draining = new AbortController();
  let listeners = 0;
  const { signal } = draining;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
  await slots.reserve(signal);
  const waiting = slots.reserve(signal);
  draining.abort();
  await waiting;
  expect(listeners).toBe(0);
});

test("idle waits for jobs that were begun while it waited", async () => {
  const slots = new Slots(2);
  const order: string[] = [];
  const job = (name: string, then?: () => void) => async () => {
    await Promise.resolve();
    order.push(name);
    then?.();
  };
  await slots.reserve(never);
  await slots.reserve(never);
  slots.run(job("first", () => slots.run(job("second"))));
  await slots.idle();
  expect(order).toEqual(["first", "second"]);
});

test.each([0, -1, 1.5, Number.NaN])("%s slots are refused", (size) => {
  expect(() => new Slots(size)).toThrow("a runner needs at least one slot");
});
