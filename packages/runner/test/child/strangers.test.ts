/** Who must never be signalled, though a number, a name or a moment makes him look like a part of a job. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { promisify } from "node:util";
import { probeIsolation } from "@herorunner/runner";
import { describe, expect, it, onTestFinished } from "vitest";
import { newTag } from "../../../../test/support/bad-child.ts";
import { createPidnsFences } from "../../src/child/pidns-fence.ts";
import { LastPid, readStat } from "../../src/child/proc.ts";
import { ProcessFamily } from "../../src/child/process-family.ts";
import { groupExists, signalGroup, signalProcess } from "../../src/child/signals.ts";
import { watchdogScript } from "../../src/child/watchdog-script.ts";

const hasPidns = (await probeIsolation()).some(({ level, available }) => level === "pidns" && available);

describe("signals", () => {
  // To the kernel, 0 and -1 are our own group and all processes; SIGWINCH, should it be sent, harms nobody.
  it.each([0, 1, -1, -2, 1.5, Number.NaN])("go to nobody at %s", (id) => {
    expect(signalProcess(id, "SIGWINCH")).toBe(false);
    expect(signalGroup(id, "SIGWINCH")).toBe(false);
    expect(groupExists(id)).toBe(false);
  });
});

describe("a job", () => {
  const strangerPid = (): number => {
    const stranger = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
    onTestFinished(() => void stranger.kill("SIGKILL"));
    if (stranger.pid === undefined) throw new Error("sleep could not be started");
    return stranger.pid;
  };

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
    const fence = createPidnsFences({ setpriv: "setpriv", unshare: "unshare", unshareArgs: [] }).make();
    const lastPid = new LastPid();
    onTestFinished(() => lastPid.close());
    const namespaceOf = (pid: number): string | undefined => {
      try {
        return readlinkSync(`/proc/${pid}/ns/pid`);
      } catch {
        return undefined;
      }
    };
    const own = namespaceOf(process.pid);
    const members = new Set<number>();
    const leaders = new Set<number>();
    // A leader that ends between two questions to the kernel is met once in some thousand looks.
    while (leaders.size < 1_000) {
      const leader = lastPid.read();
      leaders.add(leader);
      fence.begin(leader);
      for (let look = 0; look < 20; look += 1) {
        // A leader may be one of another program, with a namespace of its own.
        for (const pid of fence.members()) if (namespaceOf(pid) === own) members.add(pid);
      }
    }
    expect([...members]).toEqual([]);
  });

  // Where the watchdog may go wrong as much as it likes: it reaches the namespace, and a group that is in there as a whole.
  it.each(["0 0", "1 0", "0 5", "1 5", "-1 0", "1", "x y"])(
    "the watchdog ends nobody for a table that says %s",
    async (line) => {
      const script = `sleep 300 & printf '%s\\n' "$2" > "$3"
/bin/sh -c "$1" watchdog "$4" "" </dev/null 3<"$3"
kill -0 $! && echo it lives; rm "$3"`;
      const table = `/tmp/herorunner-table-${newTag()}`;
      const { stdout } = await promisify(execFile)("setsid", [
        "unshare",
        ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
        ...["--pid", "--fork", "--mount-proc", "--kill-child=KILL", "/bin/sh", "-c", script, "sh"],
        ...[watchdogScript, line, table, `HERO_RUN_TOKEN=${newTag()}.`],
      ]);
      expect(stdout).toBe("it lives\n");
    },
  );
});
