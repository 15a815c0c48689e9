import { expect, test } from "vitest";
import { PauseGate } from "../src/gate.ts";

function setup() {
  const draining = new AbortController();
  return { draining, gate: new PauseGate(draining.signal) };
}

test("one that does not know yet whether there is a pause lets nobody in, until it is told or the runner drains", async () => {
  for (const opens of ["told", "drained"] as const) {
    const draining = new AbortController();
    const gate = new PauseGate(draining.signal, { known: false });
    let isOpen = false;
    const opened = gate.open().then(() => (isOpen = true));
    await Promise.resolve();
    expect([isOpen, gate.paused]).toEqual([false, false]);
    if (opens === "told") gate.setPaused(false);
    else draining.abort();
    await opened;
    expect(gate.taking.aborted).toBe(opens === "drained");
  }
});

test("a pause aborts the taking that is under way, and a resume gives a fresh signal", async () => {
  const { gate } = setup();
  const first = gate.taking;
  gate.setPaused(true);
  expect([first.aborted, gate.taking.aborted, gate.paused]).toEqual([true, true, true]);
  const opened = gate.open();
  gate.setPaused(false);
  await opened;
  expect([first.aborted, gate.taking.aborted, gate.paused]).toEqual([true, false, false]);
});

test("being told the same twice changes nothing", () => {
  const { gate } = setup();
  const { taking } = gate;
  gate.setPaused(false);
  expect(gate.taking).toBe(taking);
});

test("who waits for the gate is let go by the drain, and nothing is taken any more", async () => {
  const { gate, draining } = setup();
  gate.setPaused(true);
  const opened = gate.open();
  draining.abort();
  await opened;
  gate.setPaused(false);
  expect(gate.taking.aborted).toBe(true);
});
