import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { ownCgroup } from "../../src/child/cgroup-fence.ts";
import { LeftoverCheck } from "../../src/child/leftover-check.ts";
import { holdsEntry, isAlive, LastPid, parseStat, readEnvironment, readStat } from "../../src/child/proc.ts";
import { ProcessFamily } from "../../src/child/process-family.ts";

const rest = "S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 200";

describe("the process table", () => {
  it("reads a line of stat, whatever the name of the process is", () => {
    for (const name of ["sh", "a b", "a) R 1 1 (b", ")", "("]) {
      expect(parseStat(5, `5 (${name}) ${rest}`)).toEqual({
        ...{ pid: 5, name, state: "S", ppid: 7, group: 8, session: 9, startTicks: 4242 },
        ...{ threads: 1, isEnding: false, isKernel: false },
      });
    }
    expect(parseStat(5, `5 (sh) ${rest.replace("4194304", "4194308")}`)).toMatchObject({ isEnding: true });
    expect(parseStat(5, `5 (kworker/0:0) ${rest.replace("4194304", "69238880")}`)).toMatchObject({
      isKernel: true,
    });
    expect(parseStat(5, "")).toBeUndefined();
    expect(parseStat(5, "5 (sh) S 7")).toBeUndefined();
  });

  it("knows ourselves, and nobody who is gone", async () => {
    expect(readStat(process.pid)).toMatchObject({ pid: process.pid, ppid: process.ppid });
    expect(isAlive(readStat(process.pid))).toBe(true);
    const child = spawn("true");
    await once(child, "exit");
    expect(isAlive(readStat(child.pid ?? 0))).toBe(false);
    expect(readEnvironment(child.pid ?? 0)).toBeUndefined();
  });

  it("finds an entry of an environment by its whole name and value only", () => {
    const environment = "A=1\0HERO_RUN_TOKEN=x.1\0B=HERO_RUN_TOKEN=x.2\0";
    expect(holdsEntry(environment, "HERO_RUN_TOKEN=x.1")).toBe(true);
    expect(holdsEntry(environment, "A=1")).toBe(true);
    expect(holdsEntry(environment, "HERO_RUN_TOKEN=x")).toBe(false);
    expect(holdsEntry(environment, "HERO_RUN_TOKEN=x.2")).toBe(false);
  });

  it("names the process id that was given out last", async () => {
    const lastPid = new LastPid();
    const child = spawn("true");
    const pid = child.pid ?? 0;
    // Others may have been made since; after the highest possible id the count begins anew.
    const distance = lastPid.read() - pid;
    expect(distance >= 0 || distance < -1000).toBe(true);
    await once(child, "exit");
    lastPid.close();
  });
});

describe("LeftoverCheck", () => {
  const check = async (script: string): Promise<boolean> => {
    const leftovers = new LeftoverCheck();
    const marker = `mark-${process.pid}`;
    const child = spawn("/bin/sh", ["-c", script], {
      detached: true,
      stdio: "ignore",
      env: { MARK: marker, PATH: "/bin:/usr/bin" },
    });
    const pid = child.pid ?? 0;
    const family = new ProcessFamily(
      { pid, startTicks: readStat(pid)?.startTicks ?? 0, marker: `MARK=${marker}` },
      leftovers.lastPid,
    );
    leftovers.begin(pid);
    await once(child, "exit");
    const found = leftovers.anyOf(family, 0);
    leftovers.end(pid);
    for (const member of family.scan()) family.kill(member);
    leftovers.close();
    return found;
  };

  it("finds a helper in the group, in another group of the session, and in a session of its own", async () => {
    expect(await check("sleep 60 &")).toBe(true);
    expect(await check("bash -c 'set -m; sleep 60 &'")).toBe(true);
    expect(await check("setsid sleep 60 & sleep 0.1")).toBe(true);
  });
});

describe("ownCgroup", () => {
  const line = (root: string, point: string, type: string): string =>
    `41 31 0:38 ${root} ${point} rw,relatime shared:9 - ${type} cgroup rw`;

  it("finds our group below the mount of version 2", () => {
    const info = [line("/", "/sys/fs/cgroup/cpu", "cgroup"), line("/", "/sys/fs/cgroup", "cgroup2")].join(
      "\n",
    );
    expect(ownCgroup(info, "0::/system.slice/herorunner.service\n")).toBe(
      "/sys/fs/cgroup/system.slice/herorunner.service",
    );
    expect(ownCgroup(info, "4:memory:/x\n0::/\n")).toBe("/sys/fs/cgroup");
  });

  it("finds it when a container sees only its own part", () => {
    const info = line("/docker/abc", "/sys/fs/cgroup", "cgroup2");
    expect(ownCgroup(info, "0::/docker/abc\n")).toBe("/sys/fs/cgroup");
    expect(ownCgroup(info, "0::/docker/abc/inner\n")).toBe("/sys/fs/cgroup/inner");
  });

  it("finds none without version 2, or when our group is not in sight", () => {
    expect(ownCgroup(line("/", "/sys/fs/cgroup/cpu", "cgroup"), "0::/\n")).toBeUndefined();
    expect(
      ownCgroup(line("/docker/abc", "/sys/fs/cgroup", "cgroup2"), "0::/docker/abcdef\n"),
    ).toBeUndefined();
    expect(ownCgroup(line("/", "/sys/fs/cgroup", "cgroup2"), "4:memory:/x\n")).toBeUndefined();
  });
});
