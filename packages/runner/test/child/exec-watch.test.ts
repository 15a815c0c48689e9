/** Which processes count as on their way from fork to the program they are to be. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { until } from "../../../../test/support/until.ts";
import { ExecWatch } from "../../src/child/exec-watch.ts";
import { listPids, type ProcessStat, readEnvironment, readStat } from "../../src/child/proc.ts";

describe("a process without an environment", () => {
  // Its child has ended and is waited for by nobody: neither environment nor arguments are left of it.
  const parent = spawn("/bin/sh", ["-c", "true & exec sleep 600"], { stdio: "ignore" });
  let bare: ProcessStat;
  beforeAll(async () => {
    const zombie = (): ProcessStat | undefined =>
      listPids()
        .map(readStat)
        .find((stat) => stat?.ppid === parent.pid && stat?.state === "Z");
    await until(() => zombie() !== undefined, "the child has ended");
    bare = { ...zombie()!, isEnding: false };
  });
  afterAll(async () => {
    parent.kill("SIGKILL");
    await once(parent, "exit");
  });
  afterEach(() => vi.useRealTimers());

  it("and without arguments is on its way, for a second", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const execs = new ExecWatch();
    expect(execs.isOnItsWay(bare, "")).toBe(true);
    vi.advanceTimersByTime(999);
    expect(execs.isOnItsWay(bare, "")).toBe(true);
    vi.advanceTimersByTime(1);
    expect(execs.isOnItsWay(bare, "")).toBe(false);
    expect(execs.isOnItsWay({ ...bare, startTicks: bare.startTicks + 1 }, "")).toBe(true);
  });

  it("is not when it ends, is of the kernel, or its environment is known or may not be read", () => {
    const execs = new ExecWatch();
    expect(execs.isOnItsWay({ ...bare, isEnding: true }, "")).toBe(false);
    expect(execs.isOnItsWay({ ...bare, isKernel: true }, "")).toBe(false);
    expect(execs.isOnItsWay(bare, "A=1\0")).toBe(false);
    expect(execs.isOnItsWay(bare, undefined)).toBe(false);
  });

  it("is not when it was started without one", async () => {
    const child = spawn("/bin/sleep", ["600"], { env: {}, stdio: "ignore" });
    const stat = readStat(child.pid ?? 0)!;
    expect(new ExecWatch().isOnItsWay(stat, readEnvironment(stat.pid))).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
  });
});
