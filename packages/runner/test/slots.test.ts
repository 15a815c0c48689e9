import { expect, test } from "vitest";
import { type Slot, Slots } from "../src/slots.ts";

const never = new AbortController().signal;

test("all free slots are given at once, and the next reservation waits for a job to end", async () => {
  const slots = new Slots(3);
  const ends: (() => void)[] = [];
  expect(await slots.reserve(never)).toBe(3);
  slots.free();
  for (let i = 0; i < 2; i += 1) slots.run(() => new Promise((resolve) => ends.push(resolve)));
  expect(await slots.reserve(never)).toBe(1);
  let got = 0;
  const reserved = slots.reserve(never).then((count) => (got = count));
  await Promise.resolve();
  expect({ got, busy: slots.busy }).toEqual({ got: 0, busy: 2 });
  ends[0]!();
  await reserved;
  expect({ got, busy: slots.busy }).toEqual({ got: 1, busy: 1 });
});

test("a slot that is offered is given away while its work comes to an end, once", async () => {
  const slots = new Slots(1);
  let end = (): void => undefined;
  await slots.reserve(never);
  slots.run(
    (slot) =>
      new Promise((resolve) => {
        end = resolve;
        slot.offer();
        slot.offer();
      }),
  );
  expect(await slots.reserve(never)).toBe(1);
  let second = false;
  const reserved = slots.reserve(never).then(() => (second = true));
  end();
  await slots.idle();
  expect(second).toBe(false);
  slots.free();
  await reserved;
});

test("a slot that is taken back is not given away again before its work and the next one's are both over", async () => {
  const slots = new Slots(1);
  const ends: (() => void)[] = [];
  const given: Slot[] = [];
  const begin = (): void =>
    slots.run((slot) => {
      given.push(slot);
      return new Promise((resolve) => ends.push(resolve));
    });
  await slots.reserve(never);
  begin();
  given[0]!.offer();
  await slots.reserve(never);
  begin();
  given[0]!.takeBack();
  expect(slots.busy).toBe(1);
  let free = false;
  const reserved = slots.reserve(never).then(() => (free = true));
  given[1]!.offer();
  given[0]!.offer();
  ends[1]!();
  await new Promise((resolve) => setImmediate(resolve));
  expect(free).toBe(false);
  ends[0]!();
  await reserved;
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
  slots.run(job("first", () => slots.run(job("second"))));
  await slots.idle();
  expect(order).toEqual(["first", "second"]);
});

test.each([0, -1, 1.5, Number.NaN])("%s slots are refused", (size) => {
  expect(() => new Slots(size)).toThrow("a runner needs at least one slot");
});
