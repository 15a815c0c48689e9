import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createShutdown, type ShutdownOptions } from "../src/index.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stand-in for the process, and everything that was logged. */
function setup(options: Partial<ShutdownOptions> = {}) {
  const signals = new EventEmitter();
  const exits: number[] = [];
  const lines: string[] = [];
  const log = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { debug: log, info: log, error: log, child: () => logger };
  const process: ShutdownOptions["process"] = {
    on: (signal, listener) => signals.on(signal, listener),
    off: (signal, listener) => signals.off(signal, listener),
    exit: (code) => void exits.push(code),
    getActiveResourcesInfo: () => ["TCPSocketWrap"],
  };
  const shutdown = createShutdown({
    process,
    logger,
    drainTimeoutMs: 30_000,
    abortTimeoutMs: 10_000,
    forcedExitCode: 1,
    ...options,
  });
  const send = (signal: NodeJS.Signals) => signals.emit(signal, signal);
  return { shutdown, process, send, exits, lines, signals };
}

describe("signals", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s drains, the second aborts, the third ends the process",
    (signal) => {
      const { shutdown, send, exits } = setup();
      send(signal);
      expect([shutdown.draining.aborted, shutdown.aborting.aborted]).toEqual([true, false]);
      send(signal);
      expect(shutdown.aborting.aborted).toBe(true);
      expect(exits).toEqual([]);
      send(signal);
      expect(exits).toEqual([1]);
    },
  );

  test("the reason of each AbortSignal says why", () => {
    const { shutdown, send } = setup();
    send("SIGTERM");
    send("SIGINT");
    expect(String(shutdown.draining.reason)).toContain("draining: SIGTERM");
    expect(String(shutdown.aborting.reason)).toContain("aborting: second signal, SIGINT");
  });

  test("SIGHUP reloads, one at a time, and a failure changes nothing", async () => {
    const order: string[] = [];
    const gates: (() => void)[] = [];
    const onReload = async () => {
      order.push("start");
      await new Promise<void>((resolve) => gates.push(resolve));
      order.push("end");
      if (order.length === 2) throw new Error("bad trust file");
    };
    const { shutdown, send, lines } = setup({ onReload });
    send("SIGHUP");
    send("SIGHUP");
    await vi.advanceTimersByTimeAsync(0);
    expect(order).toEqual(["start"]);
    gates[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(order).toEqual(["start", "end", "start"]);
    gates[1]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(order).toHaveLength(4);
    expect(lines.filter((line) => line.startsWith("reload failed"))).toHaveLength(1);
    expect(shutdown.draining.aborted).toBe(false);
  });

  test("SIGHUP drains a program that has nothing to reload", () => {
    const { shutdown, send, exits } = setup();
    send("SIGHUP");
    send("SIGHUP");
    send("SIGHUP");
    expect([shutdown.draining.aborted, shutdown.aborting.aborted, exits.length]).toEqual([true, false, 0]);
  });
});

describe("time limits", () => {
  test("draining that takes too long becomes aborting, and aborting that takes too long ends the process", async () => {
    const { shutdown, send, exits, lines } = setup({ stillOpen: () => ["job 42"] });
    send("SIGTERM");
    await vi.advanceTimersByTimeAsync(29_999);
    expect(shutdown.aborting.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(shutdown.aborting.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(exits).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(exits).toEqual([1]);
    expect(lines.at(-1)).toMatch(/^process ends now .*"did not stop in time".*TCPSocketWrap.*job 42/);
  });

  test("a clean-up that hangs is named by the watchdog", async () => {
    const { shutdown, exits, lines } = setup({ cleanUpTimeoutMs: 5000, forcedExitCode: 7 });
    shutdown.onCleanUp("close redis", () => {});
    shutdown.onCleanUp("close journal", () => new Promise(() => {}));
    void shutdown.finish(0);
    await vi.advanceTimersByTimeAsync(5000);
    expect(exits).toEqual([7]);
    expect(lines.at(-1)).toContain('"waiting_for":["close journal","close redis"]');
  });

  test("what is left open after a clean end is named, and the exit code stays", async () => {
    const { shutdown, process, exits, lines } = setup();
    await shutdown.finish(3);
    expect(process.exitCode).toBe(3);
    await vi.advanceTimersByTimeAsync(2000);
    expect(exits).toEqual([3]);
    expect(lines.at(-1)).toContain("TCPSocketWrap");
  });

  test("a watchdog whose last words fail still ends the process", async () => {
    const stillOpen = () => {
      throw new Error("no");
    };
    const { shutdown, exits } = setup({ stillOpen });
    shutdown.abort("test");
    expect(() => vi.advanceTimersByTime(10_000)).toThrow("no");
    expect(exits).toEqual([1]);
  });
});

describe("clean-ups", () => {
  test("run last opened first, each even when the one before failed", async () => {
    const { shutdown, lines } = setup();
    const order: string[] = [];
    shutdown.onCleanUp("first", () => void order.push("first"));
    shutdown.onCleanUp("second", () => {
      order.push("second");
      throw new Error("thrown");
    });
    shutdown.onCleanUp("third", async () => {
      await Promise.resolve();
      order.push("third");
      throw new Error("rejected");
    });
    await shutdown.finish(0);
    expect(order).toEqual(["third", "second", "first"]);
    expect(lines.filter((line) => line.startsWith("clean-up failed"))).toHaveLength(2);
  });

  test("run once, whoever asks to finish and how often", async () => {
    const { shutdown, process } = setup();
    let runs = 0;
    shutdown.onCleanUp("count", () => void runs++);
    await Promise.all([shutdown.finish(0), shutdown.finish(1)]);
    expect([runs, process.exitCode]).toEqual([1, 0]);
  });

  test("a signal while they run starts no new drain timer", async () => {
    const { shutdown, send, exits } = setup({ drainTimeoutMs: 1000, abortTimeoutMs: 1000 });
    let done = () => {};
    shutdown.onCleanUp("slow", () => new Promise<void>((resolve) => (done = resolve)));
    const finished = shutdown.finish(0);
    send("SIGTERM");
    await vi.advanceTimersByTimeAsync(5000);
    expect([shutdown.aborting.aborted, exits.length]).toEqual([false, 0]);
    done();
    await finished;
  });
});

test("a program may drain and abort by itself, and abort includes drain", () => {
  const { shutdown, lines } = setup();
  shutdown.abort("lost Redis for good");
  shutdown.drain("too late");
  expect([shutdown.draining.aborted, shutdown.aborting.aborted]).toEqual([true, true]);
  expect(lines).toHaveLength(2);
});

test("two shutdowns share nothing", () => {
  const one = setup();
  const two = setup();
  one.send("SIGTERM");
  expect(two.shutdown.draining.aborted).toBe(false);
});
