import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createShell, type ProcessPort } from "../src/shell.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function makePort(): { port: ProcessPort; killed: number[]; interrupt: () => boolean } {
  const events = new EventEmitter();
  const killed: number[] = [];
  const { stdin, stdout, stderr } = process;
  const port = Object.assign(events, {
    ...{ stdin, stdout, stderr, pid: 7 },
    kill: (pid: number) => killed.push(pid),
  });
  return { port, killed, interrupt: () => events.emit("SIGINT") };
}

it("keeps a Ctrl-C for the listener that comes within a second", async () => {
  const { port, killed, interrupt } = makePort();
  const shell = createShell(port);
  shell.holdInterrupts();
  interrupt();
  const heard = vi.fn<() => void>();
  shell.onInterrupt(heard);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(heard).toHaveBeenCalledOnce();
  expect(killed).toEqual([]);
});

it("ends the process by the Ctrl-C it kept when no listener comes", async () => {
  const { port, killed, interrupt } = makePort();
  createShell(port).holdInterrupts();
  interrupt();
  expect(killed).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(killed).toEqual([7]);
  expect(interrupt()).toBe(false);
});

it("lets go after a second in which nothing happened", async () => {
  const { port, interrupt } = makePort();
  createShell(port).holdInterrupts();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(interrupt()).toBe(false);
});
