/** Who must never be signalled, though a number, a name or a moment makes him look like a part of a job. */
import { execFile, spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import { probeIsolation } from "@herorunner/runner";
import { describe, expect, it, onTestFinished } from "vitest";
import { newTag } from "../../../../test/support/bad-child.ts";
import { createCgroupFences } from "../../src/child/cgroup-fence.ts";
import { LeftoverCheck } from "../../src/child/leftover-check.ts";
import { createPidnsFences } from "../../src/child/pidns-fence.ts";
import { LastPid, readStat } from "../../src/child/proc.ts";
import { ProcessFamily } from "../../src/child/process-family.ts";
import { groupExists, signalGroup, signalProcess } from "../../src/child/signals.ts";
import { lookAfter } from "../../src/child/started-job.ts";
import { endUnwatched } from "../../src/child/unwatched.ts";
import { Watchdog } from "../../src/child/watchdog.ts";
import { watchdogScript } from "../../src/child/watchdog-script.ts";

const pidnsTools = { setpriv: "setpriv", unshare: "unshare", unshareArgs: [] };
const hasPidns = (await probeIsolation()).some(({ level, available }) => level === "pidns" && available);

describe("signals", () => {
  // To the kernel, 0 and -1 are our own group and all processes; SIGURG, should it be sent, is ignored by all who do not ask for it.
  it.each([0, 1, -1, -2, 1.5, Number.NaN])("go to nobody at %s", (id) => {
    expect(signalProcess(id, "SIGURG")).toBe(false);
    expect(signalGroup(id, "SIGURG")).toBe(false);
    expect(groupExists(id)).toBe(false);
  });
});

/** Leads a group and a session, as a job does; a child of ours, as one that was started plainly. */
function strangerPid(): number {
  const stranger = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
  onTestFinished(() => void stranger.kill("SIGKILL"));
  if (stranger.pid === undefined) throw new Error("sleep could not be started");
  return stranger.pid;
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "herorunner-strangers-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("a job", () => {
  it.each([
    ["another start time", (startTicks: number) => startTicks - 1],
    ["a number whose job was gone before it was looked at", () => 0],
  ])("is not a process with %s", (_, known) => {
    const pid = strangerPid();
    const startTicks = known(readStat(pid)?.startTicks ?? Number.NaN);
    const lastPid = new LastPid();
    onTestFinished(() => lastPid.close());
    const family = new ProcessFamily({ pid, startTicks, marker: "HERO_RUN_TOKEN=none" }, lastPid);
    family.signal([{ pid, ppid: 1, name: "sleep", via: "descendant", startTicks }], "SIGKILL");
    family.kill({ pid, ppid: 1, name: "sleep", via: "marker", startTicks });
    expect(family.scan()).toEqual([]);
    expect(readStat(pid)?.state).toMatch(/[SDR]/);
  });
});

describe("a family", () => {
  // Only looked for, never ended: everybody descends from the first process.
  it.each([0, 1, process.pid])("has no members by whom all would be, as %s", (pid) => {
    const lastPid = new LastPid();
    onTestFinished(() => lastPid.close());
    const startTicks = readStat(pid)?.startTicks ?? 0;
    for (const head of [4_194_303, pid]) {
      const family = new ProcessFamily(
        { pid: head, startTicks, marker: `HERO_RUN_TOKEN=${newTag()}` },
        lastPid,
      );
      family.adopt([pid], "cgroup");
      expect(family.scan().length).toBe(0);
      expect(family.found.length).toBe(0);
    }
  });
});

describe("the number of a job that has ended", () => {
  it.each([
    ["when it ended before it was announced", {}, false],
    ["when another's child has it", { parent: 1 }, false],
    ["but it is the job's while the job is a child of its parent", { parent: process.pid }, true],
    ["but it is the job's when its parent has ended, for it leads its session", { parent: 4_194_303 }, true],
  ])("is somebody else's, %s", async (_, { parent }: { parent?: number }, isJob) => {
    const pid = strangerPid();
    const keepers = {
      watchdog: new Watchdog({ markerPrefix: `HERO_RUN_TOKEN=${newTag()}.` }),
      leftovers: new LeftoverCheck(),
    };
    const started = { pid, marker: "none", fence: undefined, ...(parent !== undefined && { parent }) };
    expect(lookAfter(keepers, started).family.ownsGroup()).toBe(isJob);
    await keepers.watchdog.close();
    keepers.leftovers.close();
  });

  it("is not signalled by the fence of level pidns", () => {
    const pid = strangerPid();
    const fence = createPidnsFences(pidnsTools).make();
    fence.begin(pid, (readStat(pid)?.startTicks ?? Number.NaN) - 1);
    fence.kill();
    expect(fence.isEmpty()).toBe(true);
    expect(fence.members()).toEqual([]);
    expect(readStat(pid)?.state).toMatch(/[SDR]/);
  });

  it("is not signalled when its spawn server was ended too", async () => {
    const pid = strangerPid();
    await endUnwatched(`HERO_RUN_TOKEN=${newTag()}`, pid, undefined);
    expect(readStat(pid)?.state).toMatch(/[SDR]/);
  });
});

describe("the number of a spawn server", () => {
  it.each([
    ["is moved out of its group while it stands there", "1\n4194303\n", "4194303"],
    ["is not moved anywhere when it does not", "1\n", undefined],
  ])("%s", (_, members, moved) => {
    const own = temporaryFolder();
    const standing = createCgroupFences(own).makeStanding?.();
    writeFileSync(standing?.procs ?? "", members);
    standing?.entered(4_194_303);
    standing?.fence.kill();
    const isMoved = readdirSync(own).includes("cgroup.procs");
    expect(isMoved ? readFileSync(join(own, "cgroup.procs"), "utf8") : undefined).toBe(moved);
  });
});

describe("a control group", () => {
  it("makes nobody a part of the job from whom we descend: all others descend from him too", () => {
    const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lastPid = new LastPid();
    onTestFinished(() => lastPid.close());
    const family = new ProcessFamily(
      { pid: 4_194_303, startTicks: 1, marker: "HERO_RUN_TOKEN=none" },
      lastPid,
    );
    family.adopt([0, 1, process.ppid, process.pid, child.pid ?? 0], "cgroup");
    expect(family.found.map((member) => member.pid)).toEqual([child.pid]);
  });
});

describe.runIf(hasPidns)("in a PID namespace", () => {
  it("nobody of ours is a member, also when the leader goes before it has made the namespace", async () => {
    const parent = spawn("/bin/sh", ["-c", "while :; do (exit 0) & wait $!; done"], { stdio: "ignore" });
    onTestFinished(() => void parent.kill("SIGKILL"));
    await once(parent, "spawn");
    const fence = createPidnsFences(pidnsTools).make();
    const lastPid = new LastPid();
    onTestFinished(() => lastPid.close());
    // The newest process may be the leader of somebody's namespace, whose members live in there.
    const isHere = (pid: number): boolean => namespaceOf(pid) === namespaceOf(process.pid);
    const members = new Set<number>();
    const leaders = new Set<number>();
    // A leader that ends between two questions to the kernel is met once in some thousand looks.
    const end = performance.now() + 40_000;
    while (leaders.size < 1_000 && performance.now() < end && parent.exitCode === null) {
      const leader = lastPid.read();
      leaders.add(leader);
      fence.begin(leader, readStat(leader)?.startTicks ?? 0);
      for (let look = 0; look < 20; look += 1)
        for (const pid of fence.members().filter(isHere)) members.add(pid);
      await turn();
    }
    expect([...members]).toEqual([]);
    expect(leaders.size, "how many new processes /proc/loadavg told of").toBe(1_000);
  });

  // Where the watchdog may go wrong as much as it likes: it reaches the namespace, and a group that is in there as a whole.
  it.each(["0 0", "1 0", "0 5", "1 5", "-1 0", "1", "x y"])(
    "the watchdog ends nobody for a table that says %s",
    (line) => expectNobodyEnded(line, ""),
  );

  it("the watchdog ends nobody for a control group with somebody from outside of its namespace", async () => {
    const group = temporaryFolder();
    mkdirSync(join(group, "1"));
    writeFileSync(join(group, "1", "cgroup.procs"), "0\n");
    await expectNobodyEnded("", group);
  });

  async function expectNobodyEnded(line: string, group: string): Promise<void> {
    const script = `sleep 300 & printf '%s\\n' "$2" > "$3"
/bin/sh -c "$1" watchdog "$4" "$5" </dev/null 3<"$3"
kill -0 $! && echo it lives`;
    const table = join(temporaryFolder(), "table");
    const { stdout } = await promisify(execFile)("setsid", [
      "unshare",
      ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
      ...["--pid", "--fork", "--mount-proc", "--kill-child=KILL", "/bin/sh", "-c", script, "sh"],
      ...[watchdogScript, line, table, `HERO_RUN_TOKEN=${newTag()}.`, group],
    ]);
    expect(stdout).toBe("it lives\n");
  }
});
