/**
 * A process goes on when its first thread has ended, and looks like a dead one: the kernel shows a zombie without an
 * environment, and what kills a control group passes over it.
 */
import {
  type ChildExecutor,
  createExecutor,
  createSpawnServerLauncher,
  probeIsolation,
} from "@herorunner/runner";
import { afterEach, describe, expect, it } from "vitest";
import { newTag, shell } from "../../../../test/support/bad-child.ts";
import { needSpawnServer } from "../../../../test/support/native-spawn-server.ts";
import { environmentOf, isAlive, listPids, readStat } from "../../src/child/proc.ts";

/** In a session of its own; says when its first thread has ended, and lets go of its streams. */
const program = `
import ctypes, os, threading, time
os.setsid()
def go_on():
    while b") Z " not in open("/proc/%d/stat" % os.getpid(), "rb").read():
        time.sleep(0.005)
    os.write(1, b"ready")
    os.closerange(0, 3)
    time.sleep(300)
threading.Thread(target=go_on).start()
ctypes.CDLL(None).syscall(ctypes.c_long(EXIT), 0)
`.replace("EXIT", process.arch === "x64" ? "60" : "93");

const levels = (await probeIsolation()).filter((one) => one.available).map((one) => one.level);
await needSpawnServer();

describe.each(levels)("a process whose first thread has ended, at level %s,", (level) => {
  let executor: ChildExecutor | undefined;
  afterEach(() => executor?.close());

  const processesWith = (entry: string): readonly number[] =>
    listPids().filter((pid) => {
      const stat = readStat(pid);
      return isAlive(stat) && environmentOf(stat)?.includes(entry) === true;
    });

  describe.each(["native", "python", "plain"] as const)("started by %s", (kind) => {
    const start = async (): Promise<ChildExecutor> =>
      (executor = await createExecutor({
        isolation: level,
        ...(kind !== "plain" && {
          makeLauncher: (fences) =>
            createSpawnServerLauncher({ programs: [kind], ...(fences && { fences }) }),
        }),
      }));

    it.each(["when the job ends by itself", "when the job is aborted"])("is ended %s", async (when) => {
      const tag = newTag();
      const stop = new AbortController();
      const lasts = when.endsWith("itself")
        ? `while ! grep -q ') Z ' /proc/$!/stat; do sleep 0.01; done; exit 3`
        : "exec sleep 300";
      const script = `/usr/bin/python3 -c "$0" & ${lasts}`;
      const command = shell(script);
      const { ending } = await (
        await start()
      ).run(
        { ...command, args: [...command.args, program], env: new Map([...command.env, ["TAG", tag]]) },
        stop.signal,
        () => void (when.endsWith("itself") || stop.abort()),
      );
      expect(ending).toEqual(when.endsWith("itself") ? { kind: "exited", code: 3 } : { kind: "aborted" });
      expect(processesWith(`TAG=${tag}`)).toEqual([]);
    });
  });
});
