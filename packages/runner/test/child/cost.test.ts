import { readdirSync } from "node:fs";
import { createChildExecutor, type Executor } from "@herorunner/runner";
import { afterAll, describe, expect, it } from "vitest";
import { commandOf, shell } from "../../../../test/support/bad-child.ts";
import { ownTimeMs } from "../../../../test/support/own-time.ts";

const never = (): AbortSignal => new AbortController().signal;

describe("what jobs cost the runner", () => {
  const executor: Executor = createChildExecutor();
  afterAll(() => executor.close());

  const openDescriptors = (): number => readdirSync("/proc/self/fd").length;
  const runMany = async (count: number, concurrency: number): Promise<void> => {
    let left = count;
    const lane = async (): Promise<void> => {
      while (left-- > 0) {
        const { ending } = await executor.run(commandOf("/bin/true"), never());
        expect(ending).toEqual({ kind: "exited", code: 0 });
      }
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
  };

  it("gives all descriptors back when it is closed", async () => {
    const before = openDescriptors();
    const own = createChildExecutor();
    await Promise.all(Array.from({ length: 40 }, () => own.run(shell("cat", { stdin: "x" }), never())));
    await own.close();
    expect(openDescriptors()).toBe(before);
  });

  it("2000 trivial jobs leave descriptors and memory where they were", async () => {
    await runMany(300, 4);
    const descriptors = openDescriptors();
    const rss = process.memoryUsage.rss();
    await runMany(2000, 4);
    // Pipes made ahead come and go by the batch of 64.
    expect(Math.abs(openDescriptors() - descriptors)).toBeLessThan(140);
    // The heap grows until it collects: by 31 MB on Node 20, 54 MB on Node 24, and then no more in 5000 jobs.
    expect(process.memoryUsage.rss() - rss).toBeLessThan(64 * 1024 ** 2);
  });

  it("eight floods at once stay within the memory their heads and tails need", async () => {
    await runMany(8, 8);
    const rss = process.memoryUsage.rss();
    const script = "head -c 40000000 /dev/zero; head -c 10000000 /dev/zero >&2";
    const flood = shell(script, { timeoutMs: 120_000 });
    const executions = await Promise.all(Array.from({ length: 8 }, () => executor.run(flood, never())));
    for (const { output } of executions) {
      expect(output).toMatchObject({ stdoutBytes: 40_000_000, stderrBytes: 10_000_000 });
      expect(output.droppedBytes).toBe(50_000_000 - 4 * 512 * 1024);
    }
    // 8 x 2 MiB kept, and their texts; the flood itself is 400 MB.
    expect(process.memoryUsage.rss() - rss).toBeLessThan(150 * 1024 ** 2);
  });

  it("a flood does not keep the event loop from its other duties", async () => {
    let longestMs = 0;
    let longestWallMs = 0;
    let last = { atMs: performance.now(), ownMs: ownTimeMs() };
    const timer = setInterval(() => {
      const now = { atMs: performance.now(), ownMs: ownTimeMs() };
      // A tick is late by our fault as far as we used the processor meanwhile.
      longestWallMs = Math.max(longestWallMs, now.atMs - last.atMs);
      longestMs = Math.max(longestMs, Math.min(now.atMs - last.atMs, now.ownMs - last.ownMs));
      last = now;
    }, 10);
    const flood = shell("head -c 100000000 /dev/zero", { timeoutMs: 120_000 });
    await Promise.all(Array.from({ length: 4 }, () => executor.run(flood, never())));
    clearInterval(timer);
    // Leases are renewed every 1.5 s and end after 6 s.
    expect(longestMs).toBeLessThan(1000);
    // Waiting costs no processor time; a busy machine is no reason for this much.
    expect(longestWallMs).toBeLessThan(5000);
  });
});
