import { expect, test } from "vitest";
import { PauseGate } from "../src/gate.ts";

function setup() {
  const draining = new AbortController();
  return { draining, gate: new PauseGate(draining.signal) };
}

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
